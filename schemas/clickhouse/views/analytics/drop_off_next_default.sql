-- analytics.drop_off_next for tools that cannot pass parameters: the funnel of
-- analytics.funnel_default, of the last 30 days.
--
-- summary | What visitors of a shop did after they left a filled cart, over the last 30 days
CREATE OR REPLACE VIEW analytics.drop_off_next_default
(
    project        String  COMMENT 'id of the project',
    next_event     String  COMMENT 'first event afterwards; (nothing) = none',
    persons        Int64   COMMENT 'how many',
    share          Float64 COMMENT 'part of all who left after this step',
    median_seconds Float64 COMMENT 'median time since their last step; 0 for (nothing)'
)
DEFINER = CURRENT_USER SQL SECURITY DEFINER
AS
SELECT
    project,
    did_next AS next_event,
    persons,
    share,
    median_seconds
FROM touchline.drop_off_followers(
    project = '*',
    what = 'event',
    on = 'kind',
    steps = ['page_view', 'product_view', 'cart_add', 'checkout_start', 'order'],
    window_seconds = 604800,
    from = now64(3, 'UTC') - INTERVAL 30 DAY,
    to = now64(3, 'UTC'),
    as_of = now64(3, 'UTC'),
    after_step = 3,
    horizon_seconds = 86400)
ORDER BY project, persons DESC, next_event
COMMENT '${comment}'
