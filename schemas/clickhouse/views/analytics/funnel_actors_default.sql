-- analytics.funnel_actors for tools that cannot pass parameters: the funnel of
-- analytics.funnel_default, of the last 30 days.
--
-- summary | The visitors of a shop in its funnel over the last 30 days
CREATE OR REPLACE VIEW analytics.funnel_actors_default
(
    project    String               COMMENT 'id of the project',
    person_id  String               COMMENT 'the person, 16 hex digits',
    level      Int64                COMMENT 'number of the last step reached',
    event      String               COMMENT 'kind of touchpoint of the step',
    outcome    String               COMMENT 'converted, pending or dropped',
    entered_at DateTime64(3, 'UTC') COMMENT 'time of step 1 of the attempt that came furthest; the time column',
    reached_at DateTime64(3, 'UTC') COMMENT 'time of the last step reached',
    seconds    Float64              COMMENT 'time between them',
    day        Date                 COMMENT 'day of entered_at in the time zone of the project'
)
DEFINER = CURRENT_USER SQL SECURITY DEFINER
AS
SELECT
    project,
    person_id,
    level,
    event,
    outcome,
    entered_at,
    reached_at,
    seconds,
    day
FROM touchline.funnel_actor_rows(
    project = '*',
    on = 'kind',
    steps = ['page_view', 'product_view', 'cart_add', 'checkout_start', 'order'],
    window_seconds = 604800,
    from = now64(3, 'UTC') - INTERVAL 30 DAY,
    to = now64(3, 'UTC'),
    as_of = now64(3, 'UTC'))
COMMENT '${comment}'
