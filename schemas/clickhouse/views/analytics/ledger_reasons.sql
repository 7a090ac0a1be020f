-- The outcomes of the ledger with their reasons.
--
-- summary | Outcomes of the ledger with their reasons, by minute of receipt
CREATE OR REPLACE VIEW analytics.ledger_reasons
(
    project String               COMMENT 'id of the project; empty = the record does not tell',
    minute  DateTime64(3, 'UTC') COMMENT 'minute in which the collector had read the request; 1970 = the record does not tell; the time column',
    outcome String               COMMENT 'stored, duplicate, rejected, dropped, lost_retention',
    reason  String               COMMENT 'why, one of a closed list; empty where the outcome says it all',
    events  Int64                COMMENT 'number of events'
)
DEFINER = CURRENT_USER SQL SECURITY DEFINER
AS
SELECT
    o.project,
    toDateTime64(o.minute, 3, 'UTC') AS minute,
    o.outcome,
    o.reason,
    sum(o.n) AS events
FROM
(
    SELECT project, minute, outcome, reason, toInt64(events) AS n
    FROM touchline.outcomes
    INNER JOIN touchline.ledger_marks AS m USING (src_topic, src_partition)
    WHERE cut <= m.mark
    UNION ALL
    SELECT project, minute, 'lost_retention', '', lost
    FROM touchline.ledger_accepted FINAL
    WHERE lost != 0
) AS o
WHERE (SELECT everything FROM touchline.reader) OR o.project IN (SELECT project FROM touchline.readable)
GROUP BY o.project, o.minute, o.outcome, o.reason
HAVING events != 0
COMMENT '${comment}'
