-- How many records of the raw log there are, by project and minute of receipt,
-- counted by an auditor that shares no code with the path of the events. The other
-- side of the ledger is outcomes.
--
-- * A cell is a fixed range of offsets of a partition, so a row is final once the
--   mark has passed its cell, and the same whoever has counted it.
-- * Of a row the version with the highest mark counts, and of those the last one
--   inserted. One round of an auditor is one insert, and the table has no partitions:
--   a reader sees whole rounds.
-- * in_flight counts from the highest mark of the topic and partition.
CREATE TABLE IF NOT EXISTS touchline.ledger_accepted
(
    src_topic     LowCardinality(String) COMMENT 'id of the topic touchpoints.raw.v1',
    src_partition UInt16                 COMMENT 'partition in it',
    cell          UInt64                 COMMENT 'number of the range of offsets',
    project       LowCardinality(String) COMMENT 'id of the project; empty = not known',
    minute        DateTime('UTC')        COMMENT 'minute of receipt; 1970 = not known',
    events        UInt64                 COMMENT 'number of records counted, of any fate' CODEC(ZSTD(1)),
    in_flight     UInt64                 COMMENT 'those of them behind the mark' CODEC(ZSTD(1)),
    lost          Int64                  COMMENT 'those of them that expired unread; taken from the row without project that outcomes has of them' CODEC(ZSTD(1)),
    uncounted     UInt64                 COMMENT 'those of them that had expired before the auditor came, taken over from outcomes' CODEC(ZSTD(1)),
    mark          Int64                  COMMENT 'highest raw offset that had landed, -1 = none' CODEC(ZSTD(1)),
    counted_to    UInt64                 COMMENT 'first raw offset not counted' CODEC(ZSTD(1)),
    version       UInt64 DEFAULT mark + 1 COMMENT 'the highest counts' CODEC(ZSTD(1)),
    INDEX minutes minute TYPE minmax GRANULARITY 1
)
ENGINE = ReplacingMergeTree(version)
ORDER BY (src_topic, src_partition, cell, project, minute)
COMMENT 'Raw records by place and minute of receipt, counted independently'
