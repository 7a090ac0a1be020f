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
-- column | revenue | Decimal(18, 4) | sum of revenue in currency, at most 99999999999999.9999 in size
-- column | currency | String | ISO 4217 code; empty = none, (mixed) = several
CREATE OR REPLACE VIEW analytics.sessions_daily
DEFINER = CURRENT_USER SQL SECURITY DEFINER
AS
SELECT
    g.of_project AS project,
    g.of_day AS day,
    multiIf(g.value = '', '(not set)', g.place <= {top:UInt64}, g.value, 'Other') AS breakdown,
    toInt64(sum(g.session_count)) AS sessions,
    toInt64(uniqExactMerge(g.persons)) AS visitors,
    toInt64(uniqExactMerge(g.newcomers)) AS new_visitors,
    visitors - new_visitors AS returning_visitors,
    toInt64(sum(g.bounce_count)) AS bounces,
    bounces / sessions AS bounce_rate,
    toInt64(sum(g.page_count)) AS pages,
    pages / sessions AS pages_per_session,
    sum(g.total_ms) / sessions / 1000 AS avg_seconds,
    quantileExactInclusiveMerge(0.5)(g.durations) AS median_seconds,
    toInt64(sum(g.conversion_count)) AS conversions,
    conversions / sessions AS conversions_per_session,
    toDecimal64(greatest(least(sum(g.amount), toDecimal128('99999999999999.9999', 4)), toDecimal128('-99999999999999.9999', 4)), 4) AS revenue,
    multiIf(empty(groupUniqArrayArray(g.currency_list) AS currencies), '', length(currencies) = 1, currencies[1], '(mixed)') AS currency
FROM
(
    SELECT
        *,
        dense_rank() OVER (PARTITION BY of_project ORDER BY value = '', value_count DESC, value) AS place
    FROM
    (
        SELECT
            by.project AS of_project,
            multiIf({granularity:String} = 'month', toStartOfMonth(by.day), {granularity:String} = 'week', toMonday(by.day), by.day) AS of_day,
            toString(by.{by:Identifier}) AS value,
            count() AS session_count,
            sum(session_count) OVER (PARTITION BY of_project, value) AS value_count,
            uniqExactState(by.person_id) AS persons,
            uniqExactStateIf(by.person_id, by.visitor = 'new') AS newcomers,
            countIf(by.is_bounce) AS bounce_count,
            sum(by.pages) AS page_count,
            sum(toUnixTimestamp64Milli(by.ended_at) - toUnixTimestamp64Milli(by.started_at)) AS total_ms,
            quantileExactInclusiveState(0.5)(by.duration_seconds) AS durations,
            sum(by.conversions) AS conversion_count,
            sum(by.revenue) AS amount,
            groupUniqArrayIf(by.currency, by.revenue != 0) AS currency_list
        FROM touchline.sessions(
            project = {project:String},
            from = {from:DateTime64(3, 'UTC')},
            to = {to:DateTime64(3, 'UTC')}) AS by
        WHERE (SELECT ok FROM touchline.good_top(top = {top:UInt64}))
          AND (SELECT ok FROM touchline.visit_session_by(by = {by:String}))
          AND (SELECT ok FROM touchline.good_interval(
                  granularity = {granularity:String},
                  from = {from:DateTime64(3, 'UTC')},
                  to = {to:DateTime64(3, 'UTC')}))
        GROUP BY of_project, of_day, value
    )
) AS g
GROUP BY project, day, breakdown
ORDER BY project, day, sessions DESC, breakdown
COMMENT '${comment}'
