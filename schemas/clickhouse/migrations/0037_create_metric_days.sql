-- What adds up, per day: what dashboards read instead of the events. Persons do not
-- add up; their days are in person_days.
--
-- Bots have rows of their own, because a source that only they use is alive: the
-- newest event and receipt tell one that has gone silent.
--
-- A table of some rows a day has no partitions: each would be a part with each insert.
--
-- Rows that were stored before this table are added once, while nothing is landed:
--
--   INSERT INTO touchline.metric_days SELECT ... the query of metric_days_mv
CREATE TABLE IF NOT EXISTS touchline.metric_days
(
    project        LowCardinality(String)                             COMMENT 'id of the project',
    day            Date                                               COMMENT 'day in the time zone of the project' CODEC(Delta(2), LZ4),
    event          LowCardinality(String)                             COMMENT 'name of the event',
    channel        LowCardinality(String)                             COMMENT 'channel of the events',
    currency       LowCardinality(String)                             COMMENT 'of the revenue; empty where there is none',
    source         LowCardinality(String)                             COMMENT 'label of the write key',
    is_bot         Bool                                               COMMENT 'metrics leave bots out' CODEC(ZSTD(1)),
    events         SimpleAggregateFunction(sum, UInt64)               COMMENT 'number of events' CODEC(ZSTD(1)),
    orders         SimpleAggregateFunction(sum, UInt64)               COMMENT 'those of the kind order' CODEC(ZSTD(1)),
    revenue        SimpleAggregateFunction(sum, Decimal(38, 4))       COMMENT 'sum of revenue in currency' CODEC(ZSTD(1)),
    newest_event   SimpleAggregateFunction(max, DateTime64(3, 'UTC')) COMMENT 'latest event_time' CODEC(ZSTD(1)),
    newest_receipt SimpleAggregateFunction(max, DateTime64(3, 'UTC')) COMMENT 'latest received_at' CODEC(ZSTD(1))
)
ENGINE = AggregatingMergeTree
ORDER BY (project, day, event, channel, currency, source, is_bot)
SETTINGS non_replicated_deduplication_window = 100000
COMMENT 'Events, orders and revenue by day, event, channel and source'
