-- Fills score_history.
CREATE MATERIALIZED VIEW IF NOT EXISTS touchline.score_history_mv TO touchline.score_history
DEFINER = CURRENT_USER SQL SECURITY DEFINER
AS SELECT
    project,
    model,
    person_id,
    as_of,
    version,
    model_version,
    score,
    grade,
    reason_features,
    reason_contributions
FROM touchline.scores
