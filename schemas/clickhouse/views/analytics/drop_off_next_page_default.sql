-- analytics.drop_off_next_page for tools that cannot pass parameters: the funnel of
-- analytics.funnel_default, of the last 30 days.
--
-- summary | Which page visitors of a shop looked at after they left a filled cart, over the last 30 days
CREATE OR REPLACE VIEW analytics.drop_off_next_page_default
(
    project        String  COMMENT 'id of the project',
    next_page      String  COMMENT 'first page or screen afterwards; (nothing) = none',
    persons        Int64   COMMENT 'how many',
    share          Float64 COMMENT 'part of all who left after this step',
    median_seconds Float64 COMMENT 'median time since their last step; 0 for (nothing)'
)
DEFINER = CURRENT_USER SQL SECURITY DEFINER
AS
SELECT
    project,
    did_next AS next_page,
    persons,
    share,
    median_seconds
FROM touchline.drop_off_followers(
    project = '*',
    what = 'page',
    on = 'kind',
    steps = ['page_view', 'product_view', 'cart_add', 'checkout_start', 'order'],
    window_seconds = 604800,
    from = now64(3, 'UTC') - INTERVAL 30 DAY,
    to = now64(3, 'UTC'),
    as_of = now64(3, 'UTC'),
    after_step = 3,
    horizon_seconds = 86400)
ORDER BY project, persons DESC, next_page
COMMENT '${comment}'
