-- The time zone that cut the days of a project's rows. Another zone would mix two
-- kinds of day in one table, so the earliest entry of a project binds.
CREATE TABLE IF NOT EXISTS touchline.project_zones
(
    project    String                                             COMMENT 'id of the project',
    time_zone  String                                             COMMENT 'IANA name',
    first_used SimpleAggregateFunction(min, DateTime64(3, 'UTC')) COMMENT 'read with argMin(time_zone, first_used)'
)
ENGINE = AggregatingMergeTree
ORDER BY (project, time_zone)
COMMENT 'Time zone of each project as first used'
