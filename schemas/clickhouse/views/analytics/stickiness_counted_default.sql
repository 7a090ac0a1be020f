-- analytics.stickiness_counted of the last 30 days and of today, for tools that cannot
-- pass parameters: the days with three events or more.
--
-- summary | On how many of the last 30 days persons did three things or more
CREATE OR REPLACE VIEW analytics.stickiness_counted_default
(
    project          String  COMMENT 'id of the project',
    intervals        Int64   COMMENT 'number of intervals, from 1',
    persons          Int64   COMMENT 'persons who met the criterion in exactly so many',
    persons_at_least Int64   COMMENT 'persons who met it in so many or more',
    share_at_least   Float64 COMMENT 'persons_at_least / all who met it, 0 to 1; 0 if nobody did'
)
DEFINER = CURRENT_USER SQL SECURITY DEFINER
AS
SELECT
    project,
    intervals,
    persons,
    persons_at_least,
    share_at_least
FROM analytics.stickiness_counted(
    project = '*',
    event = '',
    comparison = '>=',
    occurrences = 3,
    granularity = 'day',
    from = now64(3, 'UTC') - INTERVAL 30 DAY,
    to = now64(3, 'UTC'))
ORDER BY project, intervals
COMMENT '${comment}'
