-- Which person ids turned out to be one person. Analytics read it through the
-- dictionary person_map only.
CREATE TABLE IF NOT EXISTS touchline.person_overrides
(
    project LowCardinality(String)  COMMENT 'id of the project',
    old_id  UInt64                  COMMENT 'id as stamped on the rows',
    new_id  UInt64                  COMMENT 'the person it belongs to, with no further step; old_id itself = split off again',
    version UInt64                  COMMENT 'the highest counts'
)
ENGINE = ReplacingMergeTree(version)
ORDER BY (project, old_id)
COMMENT 'Person ids that were unified'
