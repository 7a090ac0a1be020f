-- analytics.retention_curve of persons who were new in the last 30 days, for tools
-- that cannot pass parameters.
--
-- summary | Retention by day since the first event, of everybody who was new in the last 30 days
CREATE OR REPLACE VIEW analytics.retention_curve_default
(
    project String            COMMENT 'id of the project',
    period  Int64             COMMENT 'number of the interval after the cohort''s own, which is 0',
    cohorts Int64             COMMENT 'cohorts of somebody that have completed the period',
    at_risk Int64             COMMENT 'persons of these cohorts',
    persons Int64             COMMENT 'those of them who came back',
    rate    Nullable(Float64) COMMENT 'persons / at_risk; NULL where nobody is at risk yet'
)
DEFINER = CURRENT_USER SQL SECURITY DEFINER
AS
SELECT
    project,
    period,
    cohorts,
    at_risk,
    persons,
    rate
FROM analytics.retention_curve(
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
ORDER BY project, period
COMMENT '${comment}'
