-- analytics.retention_by of persons who were new in the last 8 weeks, by the channel that
-- won them, for tools that cannot pass parameters. Weeks, because a channel's days are
-- too few persons to tell anything.
--
-- summary | Retention by week and first acquisition channel, of everybody who was new in the last 8 weeks
CREATE OR REPLACE VIEW analytics.retention_by_default
(
    project     String            COMMENT 'id of the project',
    breakdown   String            COMMENT 'first value of the persons; (not set) without one, Other beyond the top',
    cohort_date Date              COMMENT 'first day of the cohort',
    cohort      Int64             COMMENT 'number of the cohort, from 0',
    period      Int64             COMMENT 'number of the interval after the cohort''s own, which is 0',
    persons     Int64             COMMENT 'who came back so far; in period 0, the cohort',
    cohort_size Int64             COMMENT 'persons of the cohort in the group',
    complete    Bool              COMMENT 'the interval has ended',
    rate        Nullable(Float64) COMMENT 'persons / cohort_size; NULL while the interval lasts and without a cohort'
)
DEFINER = CURRENT_USER SQL SECURITY DEFINER
AS
SELECT
    project,
    breakdown,
    cohort_date,
    cohort,
    period,
    persons,
    cohort_size,
    complete,
    rate
FROM analytics.retention_by(
    project = '*',
    start_event = '',
    return_event = '',
    granularity = 'week',
    mode = 'first_time',
    cumulative = false,
    from = now64(3, 'UTC') - INTERVAL 56 DAY,
    cohorts = 9,
    periods = 9,
    as_of = now64(3, 'UTC'),
    by = 'acquisition_channel',
    top = 10)
ORDER BY project, breakdown, cohort, period
COMMENT '${comment}'
