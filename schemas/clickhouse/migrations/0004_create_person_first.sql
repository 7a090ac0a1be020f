-- When a person did an event first and last, over all history. Rows merge by min,
-- max and sum, also across the several ids of a person.
CREATE TABLE IF NOT EXISTS touchline.person_first
(
    project    LowCardinality(String)                            COMMENT 'id of the project',
    event      LowCardinality(String)                            COMMENT 'name of the event; empty = any event',
    person_id  UInt64                                            COMMENT 'person as stamped at ingest' CODEC(Delta(8), LZ4),
    first_time SimpleAggregateFunction(min, DateTime64(3, 'UTC')) COMMENT 'earliest event_time' CODEC(T64, LZ4),
    last_time  SimpleAggregateFunction(max, DateTime64(3, 'UTC')) COMMENT 'latest event_time' CODEC(T64, LZ4),
    first_day  SimpleAggregateFunction(min, Date)                COMMENT 'earliest day, in the time zone of the project' CODEC(ZSTD(1)),
    events     SimpleAggregateFunction(sum, UInt64)              COMMENT 'number of events' CODEC(ZSTD(1))
)
ENGINE = AggregatingMergeTree
ORDER BY (project, event, person_id)
SETTINGS non_replicated_deduplication_window = 100000
COMMENT 'First and last time of each event of each person; without bots'
