-- What adds up, per day: what dashboards read instead of the events. Persons do not
-- add up; their days are in person_days.
--
-- Rows that were stored before this table are added once, while nothing is landed:
--
--   INSERT INTO touchline.metric_days SELECT ... the query of metric_days_mv
CREATE TABLE IF NOT EXISTS touchline.metric_days
(
    project  LowCardinality(String)                        COMMENT 'id of the project',
    day      Date                                          COMMENT 'day in the time zone of the project' CODEC(Delta(2), LZ4),
    event    LowCardinality(String)                        COMMENT 'name of the event',
    channel  LowCardinality(String)                        COMMENT 'channel of the events',
    currency LowCardinality(String)                        COMMENT 'of the revenue; empty where there is none',
    events   SimpleAggregateFunction(sum, UInt64)          COMMENT 'number of events' CODEC(ZSTD(1)),
    orders   SimpleAggregateFunction(sum, UInt64)          COMMENT 'those of the kind order' CODEC(ZSTD(1)),
    revenue  SimpleAggregateFunction(sum, Decimal(38, 4))  COMMENT 'sum of revenue in currency' CODEC(ZSTD(1))
)
ENGINE = AggregatingMergeTree
PARTITION BY toYear(day)
ORDER BY (project, day, event, channel, currency)
SETTINGS non_replicated_deduplication_window = 100000
COMMENT 'Events, orders and revenue by day, event and channel; without bots'
