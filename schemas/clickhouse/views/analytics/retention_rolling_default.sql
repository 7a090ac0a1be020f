-- analytics.retention_rolling of persons who were new in the last 30 days, for tools
-- that cannot pass parameters.
--
-- summary | Retention by 24 hours since the first event, of everybody who was new in the last 30 days
CREATE OR REPLACE VIEW analytics.retention_rolling_default
(
    project      String               COMMENT 'id of the project',
    cohort_start DateTime64(3, 'UTC') COMMENT 'when the cohort begins',
    cohort_date  Date                 COMMENT 'its date, in UTC',
    cohort       Int64                COMMENT 'number of the cohort, from 0',
    period       Int64                COMMENT 'intervals since the person''s own start; 0 is the cohort',
    persons      Int64                COMMENT 'who came back so far; in period 0, the cohort',
    cohort_size  Int64                COMMENT 'persons of the cohort',
    complete     Bool                 COMMENT 'the interval has ended for everybody in the cohort',
    rate         Nullable(Float64)    COMMENT 'persons / cohort_size; NULL while the interval lasts and without a cohort'
)
DEFINER = CURRENT_USER SQL SECURITY DEFINER
AS
SELECT
    project,
    cohort_start,
    cohort_date,
    cohort,
    period,
    persons,
    cohort_size,
    complete,
    rate
FROM analytics.retention_rolling(
    project = '*',
    start_event = '',
    return_event = '',
    granularity = 'day',
    from = now64(3, 'UTC') - INTERVAL 30 DAY,
    cohorts = 30,
    periods = 15,
    as_of = now64(3, 'UTC'))
ORDER BY project, cohort, period
COMMENT '${comment}'
