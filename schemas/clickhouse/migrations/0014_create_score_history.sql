-- Every version of every score. The key holds the version, so a version that
-- arrives twice is one row after merges.
CREATE TABLE IF NOT EXISTS touchline.score_history
(
    project              LowCardinality(String)         COMMENT 'id of the project',
    model                LowCardinality(String)         COMMENT 'name of the model',
    person_id            UInt64                         COMMENT 'the person',
    as_of                DateTime64(3, 'UTC')           COMMENT 'when the last event was taken in' CODEC(ZSTD(1)),
    version              UInt64                         COMMENT 'version of the score' CODEC(ZSTD(1)),
    model_version        UInt32                         COMMENT 'version of the model' CODEC(ZSTD(1)),
    score                Float64                        COMMENT 'the verdict' CODEC(ZSTD(1)),
    grade                LowCardinality(String)         COMMENT 'the verdict as a letter' CODEC(ZSTD(1)),
    reason_features      Array(LowCardinality(String))  COMMENT 'what spoke for or against' CODEC(ZSTD(1)),
    reason_contributions Array(Float64)                 COMMENT 'how much, in the same order' CODEC(ZSTD(1))
)
ENGINE = ReplacingMergeTree
PARTITION BY toYYYYMM(as_of)
ORDER BY (project, model, person_id, as_of, version)
TTL toDateTime(as_of) + INTERVAL 400 DAY
SETTINGS non_replicated_deduplication_window = 100000
COMMENT 'Scores over time, kept 400 days'
