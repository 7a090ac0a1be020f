-- Which user sees which projects in the analytics views; the views ask it with
-- the name of whoever is asking. Rights change by INSERT and DELETE, with no
-- restart.
CREATE TABLE IF NOT EXISTS touchline.bi_access
(
    user    String                  COMMENT 'name of a ClickHouse user',
    project LowCardinality(String)  COMMENT 'id of a project; * = every project'
)
ENGINE = ReplacingMergeTree
ORDER BY (user, project)
COMMENT 'Who sees which projects'
