-- analytics.funnel_breakdown for tools that cannot pass parameters: the funnel of
-- analytics.funnel_default, of the last 30 days.
--
-- summary | The funnel of a shop over the last 30 days, by acquisition channel
CREATE OR REPLACE VIEW analytics.funnel_breakdown_default
(
    project                   String  COMMENT 'id of the project',
    breakdown                 String  COMMENT 'value of the group; (not set) without one, Other beyond the top',
    step                      Int64   COMMENT 'number of the step, from 1',
    event                     String  COMMENT 'kind of touchpoint of the step',
    entered                   Int64   COMMENT 'who did step 1',
    persons                   Int64   COMMENT 'who reached the step',
    converted                 Int64   COMMENT 'of these, who went on to the next step; at the last step, all',
    pending                   Int64   COMMENT 'of these, who may still go on, because their window is open',
    dropped                   Int64   COMMENT 'of these, who did not go on in time',
    conversion_total          Float64 COMMENT 'persons / entered',
    conversion_step           Float64 COMMENT 'persons / persons of the step before',
    median_seconds            Float64 COMMENT 'median time from the step before',
    p75_seconds               Float64 COMMENT '75th percentile of it',
    p90_seconds               Float64 COMMENT '90th percentile of it',
    median_seconds_from_first Float64 COMMENT 'median time from step 1',
    p75_seconds_from_first    Float64 COMMENT '75th percentile of it',
    p90_seconds_from_first    Float64 COMMENT '90th percentile of it',
    additive                  Bool    COMMENT 'nobody is in two groups, so that the groups sum up to the funnel'
)
DEFINER = CURRENT_USER SQL SECURITY DEFINER
AS
SELECT
    project,
    breakdown,
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
    p75_seconds,
    p90_seconds,
    median_seconds_from_first,
    p75_seconds_from_first,
    p90_seconds_from_first,
    additive
FROM touchline.funnel_breakdown_steps(
    project = '*',
    on = 'kind',
    steps = ['page_view', 'product_view', 'cart_add', 'checkout_start', 'order'],
    window_seconds = 604800,
    from = now64(3, 'UTC') - INTERVAL 30 DAY,
    to = now64(3, 'UTC'),
    as_of = now64(3, 'UTC'),
    by = 'acquisition_channel',
    attribution = 'first',
    attribution_step = 1,
    top = 10)
ORDER BY project, entered DESC, breakdown, step
COMMENT '${comment}'
