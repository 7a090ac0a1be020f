-- The newest event and receipt of each source, bots included: what tells a source
-- that has gone silent. A row for each source, once merged.
CREATE TABLE IF NOT EXISTS touchline.arrivals
(
    project         LowCardinality(String)                             COMMENT 'id of the project',
    source          LowCardinality(String)                             COMMENT 'label of the write key',
    newest_event    SimpleAggregateFunction(max, DateTime64(3, 'UTC')) COMMENT 'latest event_time',
    newest_receipt  SimpleAggregateFunction(max, DateTime64(3, 'UTC')) COMMENT 'latest received_at',
    events          SimpleAggregateFunction(sum, UInt64)               COMMENT 'number of events'
)
ENGINE = AggregatingMergeTree
ORDER BY (project, source)
SETTINGS non_replicated_deduplication_window = 100000
COMMENT 'Newest event and receipt by source'
