-- analytics.lifecycle of the last 30 days and of today, for tools that cannot pass
-- parameters.
--
-- summary | New, returning, resurrecting and dormant persons of each of the last 30 days
CREATE OR REPLACE VIEW analytics.lifecycle_default
(
    project       String COMMENT 'id of the project',
    interval_date Date   COMMENT 'first day of the interval',
    status        String COMMENT 'new, returning, resurrecting or dormant',
    persons       Int64  COMMENT 'how many; negative for dormant',
    complete      Bool   COMMENT 'the interval has ended'
)
DEFINER = CURRENT_USER SQL SECURITY DEFINER
AS
SELECT
    project,
    interval_date,
    status,
    persons,
    complete
FROM analytics.lifecycle(
    project = '*',
    event = '',
    granularity = 'day',
    from = now64(3, 'UTC') - INTERVAL 30 DAY,
    to = now64(3, 'UTC'),
    as_of = now64(3, 'UTC'))
ORDER BY project, interval_date, status
COMMENT '${comment}'
