-- How old the newest data of each source are: a source that has gone silent stands
-- out. Bots count, for a source that only they use is alive. A small table that is
-- added up as events arrive, so it answers at once however many events there are.
--
-- summary | Newest event and receipt of each source, and how long ago
CREATE OR REPLACE VIEW analytics.freshness
(
    project              String               COMMENT 'id of the project',
    source               String               COMMENT 'label of the write key',
    newest_event_time    DateTime64(3, 'UTC') COMMENT 'latest event; the time column',
    newest_received_at   DateTime64(3, 'UTC') COMMENT 'latest receipt by the collector',
    day                  Date                 COMMENT 'UTC date of the latest event',
    event_age_seconds    Float64              COMMENT 'time since the latest event; negative for one that lies ahead',
    receipt_age_seconds  Float64              COMMENT 'time since the latest receipt',
    events               Int64                COMMENT 'events of the source, bots included'
)
DEFINER = CURRENT_USER SQL SECURITY DEFINER
AS
SELECT
    toString(t.project) AS project,
    toString(t.source) AS source,
    toDateTime64(max(t.newest_event), 3, 'UTC') AS newest_event_time,
    toDateTime64(max(t.newest_receipt), 3, 'UTC') AS newest_received_at,
    toDate(newest_event_time) AS day,
    (toUnixTimestamp64Milli(now64(3, 'UTC')) - toUnixTimestamp64Milli(newest_event_time)) / 1000 AS event_age_seconds,
    (toUnixTimestamp64Milli(now64(3, 'UTC')) - toUnixTimestamp64Milli(newest_received_at)) / 1000 AS receipt_age_seconds,
    toInt64(sum(t.events)) AS events
FROM touchline.arrivals AS t
WHERE (SELECT everything FROM touchline.reader) OR t.project IN (SELECT project FROM touchline.readable)
GROUP BY project, source
ORDER BY project, source
COMMENT '${comment}'
