-- What has arrived in touchpoints, by place in the raw log and minute of receipt:
-- the 'stored' side of the ledger, and the highest offset that is surely in the
-- table (ask by src_topic and src_partition: the max of max_offset).
CREATE TABLE IF NOT EXISTS touchline.landed
(
    src_topic     LowCardinality(String)               COMMENT 'id of the topic touchpoints.raw.v1',
    src_partition UInt16                               COMMENT 'partition in it',
    project       LowCardinality(String)               COMMENT 'id of the project',
    minute        DateTime('UTC')                      COMMENT 'minute of receipt',
    min_offset    SimpleAggregateFunction(min, UInt64) COMMENT 'lowest raw offset among the rows',
    max_offset    SimpleAggregateFunction(max, UInt64) COMMENT 'highest raw offset among the rows',
    events        SimpleAggregateFunction(sum, UInt64) COMMENT 'number of rows'
)
ENGINE = AggregatingMergeTree
PARTITION BY toYYYYMM(minute)
ORDER BY (src_topic, src_partition, project, minute)
TTL minute + INTERVAL 400 DAY
SETTINGS non_replicated_deduplication_window = 100000
COMMENT 'Rows of touchpoints by place in the raw log and minute of receipt'
