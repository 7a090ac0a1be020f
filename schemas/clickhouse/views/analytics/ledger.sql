-- What became of every accepted event, by project and minute of receipt. accepted is
-- counted by the auditor (touchline audit), with another Kafka client than the one
-- that moves the events; the outcomes are what ClickHouse holds. residual is what is
-- left over: 0, or something was lost or doubled.
--
-- accepted counts what is in the log: an event that the collector has not yet
-- written there has not been answered with a 2xx, either.
--
-- summary | Accepted events and what became of them, by minute of receipt
CREATE OR REPLACE VIEW analytics.ledger
(
    project        String               COMMENT 'id of the project; empty = the record does not tell',
    minute         DateTime64(3, 'UTC') COMMENT 'minute in which the collector had read the request; 1970 = the record does not tell; the time column',
    accepted       Int64                COMMENT 'records in the log; one for each event that was acknowledged, counted by the auditor',
    stored         Int64                COMMENT 'rows in touchpoints',
    duplicate      Int64                COMMENT 'repeats of an event that was accepted before',
    rejected       Int64                COMMENT 'unusable events; see rejected',
    dropped        Int64                COMMENT 'left out by a rule of the project',
    lost_retention Int64                COMMENT 'expired in the log before they were read; must be 0',
    in_flight      Int64                COMMENT 'in the log, not yet in ClickHouse; goes back to 0',
    residual       Int64                COMMENT 'accepted less all others; must be 0. Positive: events are missing; negative: some are there twice',
    uncounted      Int64                COMMENT 'part of accepted that had expired before the auditor came, so it is taken from the outcomes and proves nothing'
)
DEFINER = CURRENT_USER SQL SECURITY DEFINER
AS
SELECT
    l.project,
    toDateTime64(l.minute, 3, 'UTC') AS minute,
    sum(l.accepted) AS accepted,
    sum(l.stored) AS stored,
    sum(l.duplicate) AS duplicate,
    sum(l.rejected) AS rejected,
    sum(l.dropped) AS dropped,
    sum(l.lost_retention) AS lost_retention,
    sum(l.in_flight) AS in_flight,
    accepted - stored - duplicate - rejected - dropped - lost_retention - in_flight AS residual,
    sum(l.uncounted) AS uncounted
FROM touchline.ledger AS l
WHERE (SELECT everything FROM touchline.reader) OR l.project IN (SELECT project FROM touchline.readable)
GROUP BY l.project, l.minute
HAVING accepted != 0 OR residual != 0
COMMENT '${comment}'
