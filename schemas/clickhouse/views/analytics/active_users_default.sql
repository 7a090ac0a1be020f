-- analytics.active_users of the last 30 days and of today, for tools that cannot pass
-- parameters.
--
-- summary | Active users of each of the last 30 days, of 7 and of 30 days
CREATE OR REPLACE VIEW analytics.active_users_default
(
    project    String  COMMENT 'id of the project',
    day        Date    COMMENT 'day in the time zone of the project',
    dau        Int64   COMMENT 'persons active on the day',
    wau        Int64   COMMENT 'persons active in the 7 days that end with it',
    mau        Int64   COMMENT 'persons active in the 30 days that end with it',
    stickiness Float64 COMMENT 'dau / mau, 0 to 1; 0 if nobody was active',
    complete   Bool    COMMENT 'the day has ended'
)
DEFINER = CURRENT_USER SQL SECURITY DEFINER
AS
SELECT
    project,
    day,
    dau,
    wau,
    mau,
    stickiness,
    complete
FROM analytics.active_users(
    project = '*',
    event = '',
    from = now64(3, 'UTC') - INTERVAL 30 DAY,
    to = now64(3, 'UTC'),
    as_of = now64(3, 'UTC'))
ORDER BY project, day
COMMENT '${comment}'
