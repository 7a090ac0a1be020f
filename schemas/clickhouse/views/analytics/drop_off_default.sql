-- analytics.drop_off for tools that cannot pass parameters: the funnel of
-- analytics.funnel_default, of the last 30 days.
--
-- summary | Where visitors of a shop left its funnel over the last 30 days, by device
CREATE OR REPLACE VIEW analytics.drop_off_default
(
    project        String  COMMENT 'id of the project',
    breakdown      String  COMMENT 'value of the group; (not set) without one, Other beyond the top',
    step           Int64   COMMENT 'number of the step, from 1',
    event          String  COMMENT 'kind of touchpoint of the step',
    persons        Int64   COMMENT 'who reached the step',
    dropped        Int64   COMMENT 'of these, who did not go on in time',
    pending        Int64   COMMENT 'of these, who may still go on, because their window is open',
    drop_rate      Float64 COMMENT 'dropped / persons',
    median_seconds Float64 COMMENT 'median time that those who dropped had taken from step 1',
    p75_seconds    Float64 COMMENT '75th percentile of it',
    p90_seconds    Float64 COMMENT '90th percentile of it'
)
DEFINER = CURRENT_USER SQL SECURITY DEFINER
AS
SELECT
    project,
    breakdown,
    step,
    event,
    persons,
    dropped,
    pending,
    drop_rate,
    median_seconds,
    p75_seconds,
    p90_seconds
FROM touchline.drop_off_steps(
    project = '*',
    on = 'kind',
    steps = ['page_view', 'product_view', 'cart_add', 'checkout_start', 'order'],
    window_seconds = 604800,
    from = now64(3, 'UTC') - INTERVAL 30 DAY,
    to = now64(3, 'UTC'),
    as_of = now64(3, 'UTC'),
    by = 'device_type',
    top = 10)
ORDER BY project, breakdown, step
COMMENT '${comment}'
