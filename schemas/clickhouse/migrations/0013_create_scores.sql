-- Each person's score by model, with reasons; read with FINAL (as
-- analytics.scores does).
CREATE TABLE IF NOT EXISTS touchline.scores
(
    project              LowCardinality(String)         COMMENT 'id of the project',
    model                LowCardinality(String)         COMMENT 'name of the model',
    person_id            UInt64                         COMMENT 'the person',
    version              UInt64                         COMMENT 'the highest counts' CODEC(ZSTD(1)),
    as_of                DateTime64(3, 'UTC')           COMMENT 'when the last event was taken in' CODEC(ZSTD(1)),
    model_version        UInt32                         COMMENT 'version of the model' CODEC(ZSTD(1)),
    score                Float64                        COMMENT 'the verdict' CODEC(ZSTD(1)),
    grade                LowCardinality(String)         COMMENT 'the verdict as a letter' CODEC(ZSTD(1)),
    reason_features      Array(LowCardinality(String))  COMMENT 'what spoke for or against' CODEC(ZSTD(1)),
    reason_contributions Array(Float64)                 COMMENT 'how much, in the same order; they add up to score' CODEC(ZSTD(1)),
    CONSTRAINT reasons_match CHECK length(reason_features) = length(reason_contributions)
)
ENGINE = ReplacingMergeTree(version)
ORDER BY (project, model, person_id)
SETTINGS non_replicated_deduplication_window = 100000
COMMENT 'Latest score of each person by model'
