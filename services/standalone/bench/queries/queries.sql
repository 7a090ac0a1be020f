-- The questions of the benchmark. Each begins with a line
--
--   -- query | name | limit in ms at 100 million events on two cores, - = none
--
-- and may have a line "-- beside | name | times": its processor time is compared with
-- that of an earlier query. The year of the data set ends with 2026-10-31; a funnel's
-- window is 7 days. ${person} is one with 40 to 60 events, 16 hex digits; ${user} is the
-- id of a user.

-- query | funnel of 5 steps, counts, 30 days | 300
SELECT step, event, persons, pending, dropped, conversion_total, conversion_step FROM analytics.funnel(project = 'shop', steps = ['product_view', 'cart_add', 'checkout_start', 'payment_info', 'order'], window_seconds = 604800, from = '2026-10-01', to = '2026-10-31', as_of = '2026-11-01')

-- query | funnel of 5 steps, counts, 90 days | 600
SELECT step, event, persons, pending, dropped, conversion_total, conversion_step FROM analytics.funnel(project = 'shop', steps = ['product_view', 'cart_add', 'checkout_start', 'payment_info', 'order'], window_seconds = 604800, from = '2026-08-02', to = '2026-10-31', as_of = '2026-11-01')

-- query | funnel of 5 steps, counts, 365 days | 2000
SELECT step, event, persons, pending, dropped, conversion_total, conversion_step FROM analytics.funnel(project = 'shop', steps = ['product_view', 'cart_add', 'checkout_start', 'payment_info', 'order'], window_seconds = 604800, from = '2025-11-01', to = '2026-11-01', as_of = '2026-11-01')

-- query | funnel of 5 steps, step times, 30 days | 1000
SELECT * FROM analytics.funnel(project = 'shop', steps = ['product_view', 'cart_add', 'checkout_start', 'payment_info', 'order'], window_seconds = 604800, from = '2026-10-01', to = '2026-10-31', as_of = '2026-11-01')

-- query | funnel of 5 steps, step times, 90 days | 2000
SELECT * FROM analytics.funnel(project = 'shop', steps = ['product_view', 'cart_add', 'checkout_start', 'payment_info', 'order'], window_seconds = 604800, from = '2026-08-02', to = '2026-10-31', as_of = '2026-11-01')

-- query | funnel of 5 steps, step times, 365 days | 6000
SELECT * FROM analytics.funnel(project = 'shop', steps = ['product_view', 'cart_add', 'checkout_start', 'payment_info', 'order'], window_seconds = 604800, from = '2025-11-01', to = '2026-11-01', as_of = '2026-11-01')

-- query | the same of all projects, counts, 30 days | 300
-- beside | funnel of 5 steps, counts, 30 days | 1.5
SELECT project, step, event, persons, pending, dropped, conversion_total, conversion_step FROM analytics.funnel(project = '*', steps = ['product_view', 'cart_add', 'checkout_start', 'payment_info', 'order'], window_seconds = 604800, from = '2026-10-01', to = '2026-10-31', as_of = '2026-11-01')

-- query | the same by channel, counts, 30 days | 450
-- beside | funnel of 5 steps, counts, 30 days | 1.5
SELECT breakdown, step, event, persons, pending, dropped, conversion_total, conversion_step FROM analytics.funnel_breakdown(project = 'shop', steps = ['product_view', 'cart_add', 'checkout_start', 'payment_info', 'order'], window_seconds = 604800, from = '2026-10-01', to = '2026-10-31', as_of = '2026-11-01', by = 'channel', attribution = 'first', attribution_step = 1, top = 10)

-- query | the same by country, counts, 365 days | -
-- beside | funnel of 5 steps, counts, 365 days | 1.5
SELECT breakdown, step, event, persons, pending, dropped, conversion_total, conversion_step FROM analytics.funnel_breakdown(project = 'shop', steps = ['product_view', 'cart_add', 'checkout_start', 'payment_info', 'order'], window_seconds = 604800, from = '2025-11-01', to = '2026-11-01', as_of = '2026-11-01', by = 'country', attribution = 'first', attribution_step = 1, top = 10)

-- query | the same by day of entry, 30 days | -
SELECT * FROM analytics.funnel_trend(project = 'shop', steps = ['product_view', 'cart_add', 'checkout_start', 'payment_info', 'order'], window_seconds = 604800, from = '2026-10-01', to = '2026-10-31', as_of = '2026-11-01', granularity = 'day')

-- query | the same with an exclusion, counts, 30 days | 3000
SELECT step, event, persons, pending, dropped FROM analytics.funnel_exact(project = 'shop', steps = ['product_view', 'cart_add', 'checkout_start', 'payment_info', 'order'], window_seconds = 604800, from = '2026-10-01', to = '2026-10-31', as_of = '2026-11-01', mode = 'ordered', exclude = ['search'], exclude_from = [2], exclude_to = [5])

-- query | the same strictly, counts, 30 days | -
SELECT step, event, persons, pending, dropped FROM analytics.funnel_exact(project = 'shop', steps = ['product_view', 'cart_add', 'checkout_start', 'payment_info', 'order'], window_seconds = 604800, from = '2026-10-01', to = '2026-10-31', as_of = '2026-11-01', mode = 'strict', exclude = [], exclude_from = [], exclude_to = [])

-- query | the same in any order, counts, 30 days | -
SELECT step, event, persons, pending, dropped FROM analytics.funnel_exact(project = 'shop', steps = ['product_view', 'cart_add', 'checkout_start', 'payment_info', 'order'], window_seconds = 604800, from = '2026-10-01', to = '2026-10-31', as_of = '2026-11-01', mode = 'unordered', exclude = [], exclude_from = [], exclude_to = [])

-- query | the same by a property, counts, 30 days | -
-- beside | funnel of 5 steps, counts, 30 days | 2
SELECT breakdown, step, event, persons, pending, dropped, conversion_total, conversion_step FROM analytics.funnel_breakdown(project = 'shop', steps = ['product_view', 'cart_add', 'checkout_start', 'payment_info', 'order'], window_seconds = 604800, from = '2026-10-01', to = '2026-10-31', as_of = '2026-11-01', by = 'properties.plan', attribution = 'first', attribution_step = 1, top = 10)

-- query | do channels convert differently, 30 days | -
-- beside | the same by channel, counts, 30 days | 1.1
SELECT * FROM analytics.funnel_significance(project = 'shop', steps = ['product_view', 'cart_add', 'checkout_start', 'payment_info', 'order'], window_seconds = 604800, from = '2026-10-01', to = '2026-10-24', as_of = '2026-11-01', by = 'channel', attribution = 'first', attribution_step = 1, top = 10, baseline = '')

-- query | the persons behind a funnel, 30 days | -
SELECT count() FROM analytics.funnel_actors(project = 'shop', steps = ['product_view', 'cart_add', 'checkout_start', 'payment_info', 'order'], window_seconds = 604800, from = '2026-10-01', to = '2026-10-31', as_of = '2026-11-01') WHERE outcome = 'dropped' AND day >= '2026-10-01'

-- query | where they drop off, by device, 30 days | -
SELECT * FROM analytics.drop_off(project = 'shop', steps = ['product_view', 'cart_add', 'checkout_start', 'payment_info', 'order'], window_seconds = 604800, from = '2026-10-01', to = '2026-10-31', as_of = '2026-11-01', by = 'device_type', top = 10)

-- query | which page they look at after dropping off at step 2, 30 days | -
SELECT * FROM analytics.drop_off_next_page(project = 'shop', steps = ['product_view', 'cart_add', 'checkout_start', 'payment_info', 'order'], window_seconds = 604800, from = '2026-10-01', to = '2026-10-31', as_of = '2026-11-01', after_step = 2, horizon_seconds = 86400)

-- query | funnel with a common exclusion (page_view), counts, 30 days | 3000
SELECT step, event, persons, pending, dropped FROM analytics.funnel_exact(project = 'shop', steps = ['product_view', 'cart_add', 'checkout_start', 'payment_info', 'order'], window_seconds = 604800, from = '2026-10-01', to = '2026-10-31', as_of = '2026-11-01', mode = 'ordered', exclude = ['page_view'], exclude_from = [2], exclude_to = [5])

-- query | funnel of 4 steps from page_view, counts, 30 days | -
SELECT step, event, persons, pending, dropped, conversion_total, conversion_step FROM analytics.funnel(project = 'shop', steps = ['page_view', 'product_view', 'cart_add', 'order'], window_seconds = 604800, from = '2026-10-01', to = '2026-10-31', as_of = '2026-11-01')

-- query | what they do after dropping off at step 2, 30 days | -
SELECT * FROM analytics.drop_off_next(project = 'shop', steps = ['product_view', 'cart_add', 'checkout_start', 'payment_info', 'order'], window_seconds = 604800, from = '2026-10-01', to = '2026-10-31', as_of = '2026-11-01', after_step = 2, horizon_seconds = 86400)

-- query | retention, first time, 30 cohorts x 31 days | 1000
SELECT * FROM analytics.retention(project = 'shop', start_event = '', return_event = '', granularity = 'day', mode = 'first_time', cumulative = false, from = '2026-10-01', cohorts = 30, periods = 31, as_of = '2026-11-01')

-- query | retention, recurring, 30 cohorts x 31 days | 1000
SELECT * FROM analytics.retention(project = 'shop', start_event = '', return_event = '', granularity = 'day', mode = 'recurring', cumulative = false, from = '2026-10-01', cohorts = 30, periods = 31, as_of = '2026-11-01')

-- query | retention, recurring, cumulative, 30 cohorts x 31 days | 1000
SELECT * FROM analytics.retention(project = 'shop', start_event = '', return_event = '', granularity = 'day', mode = 'recurring', cumulative = true, from = '2026-10-01', cohorts = 30, periods = 31, as_of = '2026-11-01')

-- query | retention by week over the year, recurring, 52 x 52 | -
SELECT * FROM analytics.retention(project = 'shop', start_event = '', return_event = '', granularity = 'week', mode = 'recurring', cumulative = false, from = '2025-11-03', cohorts = 52, periods = 52, as_of = '2026-11-01')

-- query | retention by month over the year, first time, 12 x 12 | -
SELECT * FROM analytics.retention(project = 'shop', start_event = '', return_event = '', granularity = 'month', mode = 'first_time', cumulative = false, from = '2025-11-01', cohorts = 12, periods = 12, as_of = '2026-11-01')

-- query | retention by acquisition channel, 30 cohorts x 31 days | -
SELECT * FROM analytics.retention_by(project = 'shop', start_event = '', return_event = '', granularity = 'day', mode = 'first_time', cumulative = false, from = '2026-10-01', cohorts = 30, periods = 31, as_of = '2026-11-01', by = 'acquisition_channel', top = 10)

-- query | retention by hour, 48 cohorts x 24 hours | -
SELECT * FROM analytics.retention_hourly(project = 'shop', start_event = '', return_event = '', mode = 'first_time', cumulative = false, from = '2026-10-27', cohorts = 48, periods = 24, as_of = '2026-11-01')

-- query | active users, 31 days | 400
SELECT * FROM analytics.active_users(project = 'shop', event = '', from = '2026-10-01', to = '2026-11-01', as_of = '2026-11-01')

-- query | daily metrics by channel, 31 days | 400
SELECT * FROM analytics.metrics_daily(project = 'shop', event = '', currency = '', from = '2026-10-01', to = '2026-11-01', as_of = '2026-11-01')

-- query | daily metrics without persons, 31 days | 400
SELECT day, channel, events, orders, revenue FROM analytics.metrics_daily(project = 'shop', event = '', currency = '', from = '2026-10-01', to = '2026-11-01', as_of = '2026-11-01')

-- query | life cycle by week, 13 weeks | -
SELECT * FROM analytics.lifecycle(project = 'shop', event = '', granularity = 'week', from = '2026-08-03', to = '2026-11-01', as_of = '2026-11-01')

-- query | stickiness, 31 days | -
SELECT * FROM analytics.stickiness(project = 'shop', event = '', granularity = 'day', from = '2026-10-01', to = '2026-11-01')

-- query | days with three page views or more, 31 days | -
SELECT * FROM analytics.stickiness_counted(project = 'shop', event = 'page_view', comparison = '>=', occurrences = 3, granularity = 'day', from = '2026-10-01', to = '2026-11-01')

-- query | revenue by day with change, 31 days | 400
SELECT * FROM analytics.north_star(project = 'shop', metric = 'revenue', event = '', currency = 'EUR', granularity = 'day', from = '2026-10-01', to = '2026-11-01', as_of = '2026-11-01')

-- query | time from sign_up to cart_add to order, 30 days | -
SELECT * FROM analytics.time_to_value(project = 'shop', sign_up = 'sign_up', activation = 'cart_add', first_use = 'order', window_seconds = 604800, from = '2026-10-01', to = '2026-10-31', as_of = '2026-11-01')

-- query | onboarding of the new of 31 days | -
SELECT * FROM analytics.onboarding(project = 'shop', activation = 'order', from = '2026-09-01', to = '2026-10-01', as_of = '2026-11-01')

-- query | history of a person | 60
SELECT * FROM analytics.timeline(project = 'shop', person_id = '${person}')

-- query | latest 50 events of a person | 60
SELECT event_time, event, channel, page FROM analytics.timeline(project = 'shop', person_id = '${person}') ORDER BY event_time DESC LIMIT 50

-- query | history of a user by its id | -
SELECT * FROM analytics.timeline_of(project = 'shop', id = '${user}')

-- query | persons of a device or user id | -
SELECT * FROM analytics.timeline_persons(project = 'shop', id = '${user}')

-- query | sessions by channel: number, bounces, duration, 30 days | -
SELECT acquisition_channel, count() AS sessions, avg(is_bounce) AS bounces, avg(duration_seconds) AS seconds FROM analytics.sessions(project = 'shop', from = '2026-10-01', to = '2026-10-31') GROUP BY acquisition_channel

-- query | sessions by day and channel, 30 days | -
SELECT * FROM analytics.sessions_daily(project = 'shop', from = '2026-10-01', to = '2026-10-31', granularity = 'day', by = 'acquisition_channel', top = 10)

-- query | paths over pages, 30 days | 3000
SELECT * FROM analytics.paths(project = 'shop', from = '2026-10-01', to = '2026-10-31', start = '', end = '', only = ['page_view'], exclude = [], gap_seconds = 1800, max_steps = 5, top = 50)

-- query | paths over all events, 30 days | -
SELECT * FROM analytics.paths(project = 'shop', from = '2026-10-01', to = '2026-10-31', start = '', end = '', only = [], exclude = [], gap_seconds = 1800, max_steps = 5, top = 50)

-- query | paths after a page, 30 days | -
SELECT * FROM analytics.paths(project = 'shop', from = '2026-10-01', to = '2026-10-31', start = '/p/3', end = '', only = ['page_view'], exclude = [], gap_seconds = 1800, max_steps = 5, top = 50)

-- query | pages, 30 days | -
SELECT * FROM analytics.pages(project = 'shop', from = '2026-10-01', to = '2026-10-31', top = 100)

-- query | customers and revenue by channel, 30 days | -
SELECT * FROM analytics.acquisition(project = 'shop', from = '2026-10-01', to = '2026-10-31', by = 'channel', top = 10)

-- query | carts left open, 30 days | -
SELECT count() FROM analytics.abandoned(project = 'shop', from = '2026-10-01', to = '2026-10-31', as_of = '2026-11-01', after_seconds = 86400)

-- query | freshness | -
SELECT * FROM analytics.freshness
