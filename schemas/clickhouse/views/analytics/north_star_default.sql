-- analytics.north_star with the metric persons over the last 30 days and today, for tools
-- that cannot pass parameters.
--
-- summary | Active persons of each of the last 30 days, with the change to the day before
CREATE OR REPLACE VIEW analytics.north_star_default
(
    project       String            COMMENT 'id of the project',
    interval_date Date              COMMENT 'first day of the interval',
    metric        String            COMMENT 'the metric',
    value         Float64           COMMENT 'its value in the interval',
    previous      Float64           COMMENT 'its value in the interval before',
    change        Nullable(Float64) COMMENT '(value - previous) / previous; NULL if previous is 0 or the interval is not complete',
    complete      Bool              COMMENT 'the interval has ended'
)
DEFINER = CURRENT_USER SQL SECURITY DEFINER
AS
SELECT
    project,
    interval_date,
    metric,
    value,
    previous,
    change,
    complete
FROM analytics.north_star(
    project = '*',
    metric = 'persons',
    event = '',
    currency = '',
    granularity = 'day',
    from = now64(3, 'UTC') - INTERVAL 30 DAY,
    to = now64(3, 'UTC'),
    as_of = now64(3, 'UTC'))
ORDER BY project, interval_date
COMMENT '${comment}'
