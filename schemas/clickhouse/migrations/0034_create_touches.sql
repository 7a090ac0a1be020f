-- How each person was won first and last, over all history. Only events that have an
-- acquisition channel are looked at, so blocks add few rows. Rows of a person merge,
-- also across the several ids that a person turns out to have had.
CREATE TABLE IF NOT EXISTS touchline.touches
(
    project     LowCardinality(String) COMMENT 'id of the project',
    person_id   UInt64                 COMMENT 'person as stamped at ingest' CODEC(Delta(8), LZ4),
    first_touch AggregateFunction(argMin, String, UInt128) COMMENT 'acquisition channel, source, medium, campaign of the first event by time, partition and offset, with the byte 1 between them' CODEC(ZSTD(1)),
    last_touch  AggregateFunction(argMax, String, UInt128) COMMENT 'those of the last' CODEC(ZSTD(1))
)
ENGINE = AggregatingMergeTree
ORDER BY (project, person_id)
SETTINGS non_replicated_deduplication_window = 100000
COMMENT 'How persons were won; without bots'
