-- Why persons were unified. Rows are only added: what an event said stays said, also
-- when person_overrides takes the unification back.
CREATE TABLE IF NOT EXISTS touchline.identity_links
(
    project       LowCardinality(String)  COMMENT 'id of the project',
    device_person UInt64                  COMMENT 'person id that the device, or the id given up, has by itself' CODEC(ZSTD(1)),
    user_person   UInt64                  COMMENT 'person id of the user' CODEC(ZSTD(1)),
    device_id     String                  COMMENT 'the device, or the id given up, as sent' CODEC(ZSTD(1)),
    user_id       String                  COMMENT 'the user, as sent' CODEC(ZSTD(1)),
    type          LowCardinality(String)  COMMENT 'call that said so: identify, alias, track, ...',
    version       UInt64                  COMMENT 'falls with the time of the link, so that the first one of a device has the highest' CODEC(ZSTD(1)),
    event_id      UUID                    COMMENT 'the event that said so' CODEC(ZSTD(1)),
    event_time    DateTime64(3, 'UTC')    COMMENT 'when it happened' CODEC(T64, ZSTD(1)),
    received_at   DateTime64(3, 'UTC')    COMMENT 'when the collector had read it' CODEC(T64, ZSTD(1)),
    src_topic     LowCardinality(String)  COMMENT 'id of the topic touchpoints.raw.v1',
    src_partition UInt16                  COMMENT 'partition in it' CODEC(ZSTD(1)),
    src_offset    UInt64                  COMMENT 'offset in that' CODEC(T64, ZSTD(1))
)
ENGINE = MergeTree
ORDER BY (project, device_person, version)
SETTINGS non_replicated_deduplication_window = 100000
COMMENT 'Events that linked a device to a user'
