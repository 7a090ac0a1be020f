-- Sessions by day and by any column of theirs: how many, how long, how many bounced,
-- and by whom. The rules are those of analytics.sessions.
--
-- Sessions, bounces, pages, conversions and revenue add up over values and days.
-- Visitors do not: one may come twice. Days are those of the project's time zone.
--
-- summary | Sessions, visitors, bounces, duration and conversions by day and by any column of sessions
-- param  | project | String | 'demo' | id of the project, or * for all that you may read
-- param  | from | DateTime64(3, 'UTC') | now64(3, 'UTC') - INTERVAL 30 DAY | sessions that begin from here on
-- param  | to | DateTime64(3, 'UTC') | now64(3, 'UTC') | and before this
-- param  | granularity | String | 'day' | day, week (from Monday) or month
-- param  | by | Identifier | 'acquisition_channel' | what to break down by: acquisition_channel, utm_source, utm_medium, utm_campaign, referrer_host, entry_host, entry_page, exit_page, device_type, os, browser, country, visitor; project for no breakdown
-- param  | top | UInt64 | 10 | how many values have rows of their own, 1 to 1000
-- column | project | String | id of the project
-- column | day | Date | first day of the interval in the time zone of the project
-- column | breakdown | String | the value; (not set) = empty, Other = beyond top
-- column | sessions | Int64 | sessions that began in the interval
-- column | visitors | Int64 | persons who had them; they do not add up
-- column | new_visitors | Int64 | of them those who did nothing before
-- column | returning_visitors | Int64 | the others
-- column | bounces | Int64 | sessions in which the visitor did at most one thing
-- column | bounce_rate | Float64 | bounces / sessions
-- column | pages | Int64 | page and screen views
-- column | pages_per_session | Float64 | pages / sessions
-- column | avg_seconds | Float64 | average duration
-- column | median_seconds | Float64 | median duration
-- column | conversions | Int64 | orders, sign-ups, leads and starts of subscriptions
-- column | conversions_per_session | Float64 | conversions / sessions
-- column | revenue | Decimal(18, 4) | sum of revenue in currency
-- column | currency | String | ISO 4217 code; empty = none, (mixed) = several
CREATE OR REPLACE VIEW analytics.sessions_daily
DEFINER = CURRENT_USER SQL SECURITY DEFINER
AS
SELECT
    s.project AS project,
    multiIf({granularity:String} = 'month', toStartOfMonth(s.day), {granularity:String} = 'week', toMonday(s.day), s.day) AS day,
    multiIf(
        s.value = '', '(not set)',
        (s.project, s.value) IN
        (
            SELECT t.project, toString({by:Identifier}) AS value
            FROM touchline.sessions(
                project = {project:String},
                from = {from:DateTime64(3, 'UTC')},
                to = {to:DateTime64(3, 'UTC')}) AS t
            WHERE value != ''
            GROUP BY t.project, value
            ORDER BY count() DESC, value
            LIMIT {top:UInt64} BY t.project
        ), s.value,
        'Other') AS breakdown,
    toInt64(count()) AS sessions,
    toInt64(uniqExact(s.person_id)) AS visitors,
    toInt64(uniqExactIf(s.person_id, s.visitor = 'new')) AS new_visitors,
    visitors - new_visitors AS returning_visitors,
    toInt64(countIf(s.is_bounce)) AS bounces,
    bounces / sessions AS bounce_rate,
    toInt64(sum(s.page_count)) AS pages,
    pages / sessions AS pages_per_session,
    sum(s.duration_ms) / sessions / 1000 AS avg_seconds,
    quantileExactInclusive(0.5)(s.duration_seconds) AS median_seconds,
    toInt64(sum(s.conversion_count)) AS conversions,
    conversions / sessions AS conversions_per_session,
    toDecimal64(sum(s.amount), 4) AS revenue,
    multiIf(empty(groupUniqArrayIf(s.amount_currency, s.amount != 0 AND s.amount_currency != '') AS currencies), '', length(currencies) = 1, currencies[1], '(mixed)') AS currency
FROM
(
    SELECT
        project,
        day,
        toString({by:Identifier}) AS value,
        person_id,
        visitor,
        is_bounce,
        pages AS page_count,
        duration_seconds,
        toUnixTimestamp64Milli(ended_at) - toUnixTimestamp64Milli(started_at) AS duration_ms,
        conversions AS conversion_count,
        revenue AS amount,
        currency AS amount_currency
    FROM touchline.sessions(
        project = {project:String},
        from = {from:DateTime64(3, 'UTC')},
        to = {to:DateTime64(3, 'UTC')})
) AS s
WHERE (SELECT ok FROM touchline.good_top(top = {top:UInt64}))
  AND (SELECT ok FROM touchline.good_interval(
          granularity = {granularity:String},
          from = {from:DateTime64(3, 'UTC')},
          to = {to:DateTime64(3, 'UTC')}))
GROUP BY project, day, breakdown
ORDER BY project, day, sessions DESC, breakdown
COMMENT '${comment}'
