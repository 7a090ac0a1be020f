-- What became of the raw records of each chunk that has landed, by project, minute
-- of receipt, outcome and reason: what the landing says it did. The ledger compares
-- it with what an independent reader of the raw log has counted.
--
-- * A chunk's rows come last of all its blocks, and in one part, because the table
--   has no partitions: whoever sees a row knows that the whole chunk is in ClickHouse.
--   The highest cut of a topic and partition is its mark.
-- * After two days the rows of a minute are rolled up into one. A cut stays the end
--   of a chunk.
-- * Rows without a project stand for records that could not be read and for ranges
--   lost to retention.
CREATE TABLE IF NOT EXISTS touchline.outcomes
(
    src_topic     LowCardinality(String)          COMMENT 'id of the topic touchpoints.raw.v1',
    src_partition UInt16                          COMMENT 'partition in it',
    project       LowCardinality(String)          COMMENT 'id of the project; empty = not known',
    minute        DateTime('UTC')                 COMMENT 'minute of receipt',
    outcome       LowCardinality(String)          COMMENT 'stored, duplicate, rejected, dropped, lost_retention',
    reason        LowCardinality(String)          COMMENT 'why, one of a closed list; empty where the outcome says it all',
    events        UInt64                          COMMENT 'number of raw records' CODEC(ZSTD(1)),
    min_offset    UInt64                          COMMENT 'lowest raw offset among them' CODEC(ZSTD(1)),
    max_offset    UInt64                          COMMENT 'highest raw offset among them' CODEC(ZSTD(1)),
    mark          Int64                           COMMENT 'highest raw offset before the chunk, -1 = none' CODEC(ZSTD(1)),
    cut           Int64                           COMMENT 'highest raw offset of the chunk: the mark after it' CODEC(ZSTD(1)),
    landed_at     DateTime('UTC') DEFAULT now()   COMMENT 'when the row was inserted; only rolling up looks at it' CODEC(ZSTD(1))
)
ENGINE = MergeTree
PRIMARY KEY (src_topic, src_partition, project, minute, outcome, reason)
ORDER BY (src_topic, src_partition, project, minute, outcome, reason, cut)
TTL landed_at + INTERVAL 2 DAY
    GROUP BY src_topic, src_partition, project, minute, outcome, reason
    SET cut = max(cut), mark = min(mark), events = sum(events), min_offset = min(min_offset), max_offset = max(max_offset), landed_at = max(landed_at)
SETTINGS non_replicated_deduplication_window = 100000
COMMENT 'What became of raw records, by chunk'
