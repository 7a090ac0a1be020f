-- The funnel of a shop over the last 30 days, for tools that cannot pass parameters:
-- analytics.funnel with the canonical kinds of touchpoints as steps and a window of
-- a week.
--
-- summary | The funnel of a shop over the last 30 days, from page view to order
CREATE OR REPLACE VIEW analytics.funnel_default
(
    project                   String  COMMENT 'id of the project',
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
    p90_seconds_from_first    Float64 COMMENT '90th percentile of it'
)
DEFINER = CURRENT_USER SQL SECURITY DEFINER
AS
SELECT
    project,
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
    p90_seconds_from_first
FROM touchline.funnel_steps(
    project = '*',
    on = 'kind',
    steps = ['page_view', 'product_view', 'cart_add', 'checkout_start', 'order'],
    window_seconds = 604800,
    from = now64(3, 'UTC') - INTERVAL 30 DAY,
    to = now64(3, 'UTC'),
    as_of = now64(3, 'UTC'))
ORDER BY project, step
COMMENT '${comment}'
