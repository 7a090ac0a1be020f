-- What is known of each person: one row per person after merges, more before, so
-- it is read with FINAL (as analytics.profiles does).
CREATE TABLE IF NOT EXISTS touchline.profiles
(
    project        LowCardinality(String)   COMMENT 'id of the project',
    person_id      UInt64                   COMMENT 'the person',
    version        UInt64                   COMMENT 'the highest counts' CODEC(ZSTD(1)),
    as_of          DateTime64(3, 'UTC')     COMMENT 'when the last event was taken in' CODEC(ZSTD(1)),
    user_id        String                   COMMENT 'id of the user' CODEC(ZSTD(1)),
    email          String                   COMMENT 'trait as last set' CODEC(ZSTD(1)),
    name           String                   COMMENT 'trait as last set' CODEC(ZSTD(1)),
    company        String                   COMMENT 'trait as last set' CODEC(ZSTD(1)),
    role           String                   COMMENT 'trait as last set' CODEC(ZSTD(1)),
    country        LowCardinality(String)   COMMENT 'ISO 3166 code' CODEC(ZSTD(1)),
    stage          LowCardinality(String)   COMMENT 'stage of the life cycle' CODEC(ZSTD(1)),
    stage_since    DateTime64(3, 'UTC')     COMMENT 'when that stage was reached' CODEC(ZSTD(1)),
    first_channel  LowCardinality(String)   COMMENT 'acquisition channel of the first visit' CODEC(ZSTD(1)),
    first_campaign String                   COMMENT 'campaign of the first visit' CODEC(ZSTD(1)),
    first_seen     DateTime64(3, 'UTC')     COMMENT 'earliest event' CODEC(ZSTD(1)),
    last_seen      DateTime64(3, 'UTC')     COMMENT 'latest event' CODEC(ZSTD(1)),
    events         UInt64                   COMMENT 'number of events' CODEC(ZSTD(1)),
    orders         UInt64                   COMMENT 'number of orders' CODEC(ZSTD(1)),
    revenue        Decimal(18, 4)           COMMENT 'sum in currency' CODEC(ZSTD(1)),
    currency       LowCardinality(String)   COMMENT 'ISO 4217 code' CODEC(ZSTD(1)),
    is_deleted     UInt8 DEFAULT 0          COMMENT '1 = the person went into another one' CODEC(ZSTD(1))
)
ENGINE = ReplacingMergeTree(version, is_deleted)
ORDER BY (project, person_id)
SETTINGS non_replicated_deduplication_window = 100000
COMMENT 'State of each person'
