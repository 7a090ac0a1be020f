-- One row per session that began in [from, to). What a session is, the enricher says:
-- session_id of touchpoints. The rule for each column is in touchline.sessions; it
-- reads a table that is added up as events arrive, so that late events, repeats and
-- merged persons are right.
--
-- summary | One row per session: entry and exit page, duration, bounce, new or returning visitor, how it was won, revenue
-- param  | project | String | 'demo' | id of the project, or * for all that you may read
-- param  | from | DateTime64(3, 'UTC') | now64(3, 'UTC') - INTERVAL 30 DAY | sessions that begin from here on
-- param  | to | DateTime64(3, 'UTC') | now64(3, 'UTC') | and before this
-- column | project | String | id of the project
-- column | session_id | String | the session, 16 hex digits
-- column | person_id | String | who did its last event, unified, 16 hex digits
-- column | started_at | DateTime64(3, 'UTC') | first event; the time column
-- column | day | Date | day of the first event in the time zone of the project
-- column | ended_at | DateTime64(3, 'UTC') | last event
-- column | duration_seconds | Float64 | from the first to the last event
-- column | events | Int64 | number of events
-- column | pages | Int64 | page and screen views
-- column | entry_host | String | host of the first page
-- column | entry_page | String | path of the first page or name of the first screen; empty = none
-- column | exit_page | String | the same of the last
-- column | is_bounce | Bool | the visitor did at most one thing
-- column | is_new | Bool | the person did nothing before
-- column | acquisition_channel | String | how the session was won; empty = nothing tells
-- column | utm_source | String | campaign parameter
-- column | utm_medium | String | campaign parameter
-- column | utm_campaign | String | campaign parameter
-- column | referrer_host | String | host that led here
-- column | device_type | String | desktop, mobile, tablet, ...
-- column | os | String | operating system
-- column | browser | String | browser
-- column | country | String | ISO 3166 code
-- column | conversions | Int64 | orders, sign-ups, leads and starts of subscriptions
-- column | orders | Int64 | events of the kind order
-- column | revenue | Decimal(18, 4) | sum of revenue in currency, at most 99999999999999.9999 in size
-- column | currency | String | ISO 4217 code; empty = none, (mixed) = several
CREATE OR REPLACE VIEW analytics.sessions
DEFINER = CURRENT_USER SQL SECURITY DEFINER
AS
SELECT
    s.project AS project,
    leftPad(hex(s.session_id), 16, '0') AS session_id,
    leftPad(hex(s.person_id), 16, '0') AS person_id,
    toDateTime64(s.started_at, 3, 'UTC') AS started_at,
    s.day AS day,
    toDateTime64(s.ended_at, 3, 'UTC') AS ended_at,
    s.duration_seconds AS duration_seconds,
    toInt64(s.events) AS events,
    toInt64(s.pages) AS pages,
    s.entry_host AS entry_host,
    s.entry_page AS entry_page,
    s.exit_page AS exit_page,
    toBool(s.is_bounce) AS is_bounce,
    toBool(s.visitor = 'new') AS is_new,
    s.acquisition_channel AS acquisition_channel,
    s.utm_source AS utm_source,
    s.utm_medium AS utm_medium,
    s.utm_campaign AS utm_campaign,
    s.referrer_host AS referrer_host,
    s.device_type AS device_type,
    s.os AS os,
    s.browser AS browser,
    s.country AS country,
    toInt64(s.conversions) AS conversions,
    toInt64(s.orders) AS orders,
    toDecimal64(greatest(least(s.revenue, toDecimal128('99999999999999.9999', 4)), toDecimal128('-99999999999999.9999', 4)), 4) AS revenue,
    s.currency AS currency
FROM touchline.sessions(
    project = {project:String},
    from = {from:DateTime64(3, 'UTC')},
    to = {to:DateTime64(3, 'UTC')}) AS s
COMMENT '${comment}'
