-- On which days of a month a person did an event: what retention reads instead of
-- the events themselves. Rows merge by OR and sum, also across the several ids
-- that a person turns out to have had, so the id stays the one stamped at ingest.
CREATE TABLE IF NOT EXISTS touchline.person_days
(
    project   LowCardinality(String)                       COMMENT 'id of the project',
    event     LowCardinality(String)                       COMMENT 'name of the event; empty = any event',
    month     Date                                         COMMENT 'first day of the month, in the time zone of the project' CODEC(ZSTD(1)),
    person_id UInt64                                       COMMENT 'person as stamped at ingest' CODEC(Delta(8), LZ4),
    days      SimpleAggregateFunction(groupBitOr, UInt32)  COMMENT 'bit d - 1 = active on day d of the month' CODEC(ZSTD(1)),
    events    SimpleAggregateFunction(sum, UInt64)         COMMENT 'number of events' CODEC(ZSTD(1))
)
ENGINE = AggregatingMergeTree
PARTITION BY toYear(month)
ORDER BY (project, event, month, person_id)
SETTINGS non_replicated_deduplication_window = 100000
COMMENT 'Days on which persons did events; without bots'
