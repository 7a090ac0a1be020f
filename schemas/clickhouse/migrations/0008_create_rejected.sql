-- Unusable events as they came: the reason, the bytes, and the envelope they came
-- in, enough to send one again once the rule or the sender is mended.
CREATE TABLE IF NOT EXISTS touchline.rejected
(
    project        LowCardinality(String)         COMMENT 'id of the project',
    received_at    DateTime64(3, 'UTC')           COMMENT 'when the collector had read the request' CODEC(T64, ZSTD(1)),
    rejected_at    DateTime('UTC') DEFAULT now()  COMMENT 'when the row was inserted' CODEC(T64, ZSTD(1)),
    stage          LowCardinality(String)         COMMENT 'step that refused it: collect, adapt, ...',
    reason         LowCardinality(String)         COMMENT 'why, one of a closed list',
    message        String                         COMMENT 'what was wrong, for a person' CODEC(ZSTD(1)),
    field          String                         COMMENT 'path of the field at fault; empty = the event as a whole' CODEC(ZSTD(1)),
    receipt_id     UUID                           COMMENT 'id that the collector gave to this receipt' CODEC(ZSTD(1)),

    protocol       LowCardinality(String)         COMMENT 'wire protocol',
    endpoint       LowCardinality(String)         COMMENT 'call of that protocol',
    source         LowCardinality(String)         COMMENT 'label of the write key',
    batch_index    UInt32                         COMMENT 'position of the event in its request, from 0',
    sent_at        String                         COMMENT 'sent time of the request, as written' CODEC(ZSTD(1)),
    client_ip      String                         COMMENT 'address of the client' CODEC(ZSTD(1)),
    user_agent     String                         COMMENT 'User-Agent of the request' CODEC(ZSTD(1)),
    header_names   Array(LowCardinality(String))  COMMENT 'further headers of the request, lower case' CODEC(ZSTD(1)),
    header_values  Array(String)                  COMMENT 'their values, in the same order' CODEC(ZSTD(1)),
    context        String                         COMMENT 'JSON object that the request gave for all its events' CODEC(ZSTD(1)),
    payload        String                         COMMENT 'the event: the bytes the SDK wrote' CODEC(ZSTD(3)),
    original_bytes UInt64                         COMMENT 'length of the event before it was cut; 0 = payload is whole' CODEC(ZSTD(1)),

    src_topic      LowCardinality(String)         COMMENT 'id of the topic touchpoints.raw.v1',
    src_partition  UInt16                         COMMENT 'partition in it' CODEC(ZSTD(1)),
    src_offset     UInt64                         COMMENT 'offset in that' CODEC(T64, ZSTD(1))
)
ENGINE = MergeTree
PARTITION BY toYYYYMM(received_at)
ORDER BY (project, reason, received_at)
TTL toDateTime(received_at) + INTERVAL 30 DAY
SETTINGS non_replicated_deduplication_window = 100000
COMMENT 'Unusable events, kept 30 days'
