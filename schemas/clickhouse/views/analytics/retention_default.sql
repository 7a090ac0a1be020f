-- The retention of persons who were new in the last 30 days, for tools that cannot pass
-- parameters: analytics.retention by day, any event counts as coming back.
--
-- summary | Retention by day of everybody whose first event was in the last 30 days
CREATE OR REPLACE VIEW analytics.retention_default
(
    project     String            COMMENT 'id of the project',
    cohort_date Date              COMMENT 'first day of the cohort',
    cohort      Int64             COMMENT 'number of the cohort, from 0',
    period      Int64             COMMENT 'number of the interval after the cohort''s own, which is 0',
    persons     Int64             COMMENT 'who came back so far; in period 0, the cohort',
    cohort_size Int64             COMMENT 'persons of the cohort',
    complete    Bool              COMMENT 'the interval has ended',
    rate        Nullable(Float64) COMMENT 'persons / cohort_size; NULL while the interval lasts and without a cohort'
)
DEFINER = CURRENT_USER SQL SECURITY DEFINER
AS
SELECT
    project,
    cohort_date,
    cohort,
    period,
    persons,
    cohort_size,
    complete,
    rate
FROM analytics.retention(
    project = '*',
    start_event = '',
    return_event = '',
    granularity = 'day',
    mode = 'first_time',
    cumulative = false,
    from = now64(3, 'UTC') - INTERVAL 30 DAY,
    cohorts = 31,
    periods = 15,
    as_of = now64(3, 'UTC'))
ORDER BY project, cohort, period
COMMENT '${comment}'
