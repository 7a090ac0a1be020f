-- analytics.retention_hourly of any event in the last two days, for tools that cannot
-- pass parameters.
--
-- summary | Retention of the persons who were new in each of the last 48 hours
CREATE OR REPLACE VIEW analytics.retention_hourly_default
(
    project      String               COMMENT 'id of the project',
    cohort_start DateTime64(3, 'UTC') COMMENT 'when the cohort''s hour begins',
    cohort_date  Date                 COMMENT 'its date in the time zone of the project',
    cohort_hour  Int64                COMMENT 'its hour of the day in the time zone of the project, 0 to 23',
    cohort       Int64                COMMENT 'number of the cohort, from 0',
    period       Int64                COMMENT 'number of the hour after the cohort''s own, which is 0',
    persons      Int64                COMMENT 'who came back so far; in period 0, the cohort',
    cohort_size  Int64                COMMENT 'persons of the cohort',
    complete     Bool                 COMMENT 'the hour has ended',
    rate         Nullable(Float64)    COMMENT 'persons / cohort_size; NULL while the hour lasts and without a cohort'
)
DEFINER = CURRENT_USER SQL SECURITY DEFINER
AS
SELECT
    project,
    cohort_start,
    cohort_date,
    cohort_hour,
    cohort,
    period,
    persons,
    cohort_size,
    complete,
    rate
FROM analytics.retention_hourly(
    project = '*',
    start_event = '',
    return_event = '',
    mode = 'first_time',
    cumulative = false,
    from = now64(3, 'UTC') - INTERVAL 48 HOUR,
    cohorts = 48,
    periods = 24,
    as_of = now64(3, 'UTC'))
ORDER BY project, cohort, period
COMMENT '${comment}'
