-- analytics.funnel_trend for tools that cannot pass parameters: the funnel of
-- analytics.funnel_default, of the last 30 days.
--
-- summary | The funnel of a shop over the last 30 days, by day of entry
CREATE OR REPLACE VIEW analytics.funnel_trend_default
(
    project          String  COMMENT 'id of the project',
    entry_date       Date    COMMENT 'first day of the interval, in the time zone of the project',
    step             Int64   COMMENT 'number of the step, from 1',
    event            String  COMMENT 'kind of touchpoint of the step',
    entered          Int64   COMMENT 'who did step 1',
    persons          Int64   COMMENT 'who reached the step',
    converted        Int64   COMMENT 'of these, who went on to the next step; at the last step, all',
    pending          Int64   COMMENT 'of these, who may still go on, because their window is open',
    dropped          Int64   COMMENT 'of these, who did not go on in time',
    conversion_total Float64 COMMENT 'persons / entered',
    conversion_step  Float64 COMMENT 'persons / persons of the step before',
    median_seconds   Float64 COMMENT 'median time from the step before',
    complete         Bool    COMMENT 'every window that opened in the interval has closed'
)
DEFINER = CURRENT_USER SQL SECURITY DEFINER
AS
SELECT
    project,
    entry_date,
    step,
    event,
    entered,
    persons,
    converted,
    pending,
    dropped,
    conversion_total,
    conversion_step,
    median_seconds,
    complete
FROM touchline.funnel_trend_steps(
    project = '*',
    on = 'kind',
    steps = ['page_view', 'product_view', 'cart_add', 'checkout_start', 'order'],
    window_seconds = 604800,
    from = now64(3, 'UTC') - INTERVAL 30 DAY,
    to = now64(3, 'UTC'),
    as_of = now64(3, 'UTC'),
    granularity = 'day')
ORDER BY project, entry_date, step
COMMENT '${comment}'
