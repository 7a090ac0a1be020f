-- Each person's latest score by model, with reasons. FINAL picks the latest
-- version of a row; the table is small.
--
-- summary | One row per person and model
CREATE OR REPLACE VIEW analytics.scores
(
    project       String               COMMENT 'id of the project',
    model         String               COMMENT 'name of the model',
    person_id     String               COMMENT 'the person, 16 hex digits',
    score         Float64              COMMENT 'the verdict',
    grade         String               COMMENT 'the verdict as a letter',
    reasons       String               COMMENT 'JSON list of what each feature contributed; they add up to score',
    model_version Int64                COMMENT 'version of the model',
    as_of         DateTime64(3, 'UTC') COMMENT 'when the last event was taken in; the time column',
    version       Int64                COMMENT 'grows with each event taken in'
)
DEFINER = CURRENT_USER SQL SECURITY DEFINER
AS
SELECT
    s.project,
    s.model,
    leftPad(hex(s.person_id), 16, '0') AS person_id,
    s.score,
    s.grade,
    toJSONString(arrayMap((f, c) -> CAST((f, c), 'Tuple(feature String, contribution Float64)'), s.reason_features, s.reason_contributions)) AS reasons,
    s.model_version,
    s.as_of,
    s.version
FROM touchline.scores AS s FINAL
WHERE (SELECT everything FROM touchline.reader) OR s.project IN (SELECT project FROM touchline.readable)
COMMENT '${comment}'
