-- The numbers of a dashboard: events, persons, orders and revenue by day and channel.
-- Days are those of the project's time zone; the first is the UTC date of `from`, the
-- last that of the last instant before `to`. Every channel that has an event in the
-- span has a row for every day. Bots are left out.
--
-- Events, orders and revenue add up over channels and days. Persons do not: one may
-- use two channels on a day, and come on two days. active_users counts the persons
-- of all channels. Sessions have no such channel: sessions_daily and north_star count
-- them. An order is an event of the kind order. Revenue adds up what
-- events say, whatever their kind; where they say it in several currencies, or
-- some without one, the sum means nothing, and currency says so: name one then. A sum beyond the bounds of
-- its type is the bound.
--
-- It reads tables that are summed up by day as events arrive; persons come from the
-- days on which each was active, so they are exact.
--
-- summary | Events, persons, orders and revenue by day and channel
-- param  | project | String | 'demo' | id of the project, or * for all that you may read
-- param  | event | String | '' | the event to count; empty = any event
-- param  | currency | String | '' | currency of the revenue; empty = any
-- param  | from | DateTime64(3, 'UTC') | today() - 30 | its UTC date is the first day
-- param  | to | DateTime64(3, 'UTC') | today() + 1 | the first day that does not count
-- param  | as_of | DateTime64(3, 'UTC') | now64(3, 'UTC') | a day that had ended by then is complete
-- column | project | String | id of the project
-- column | day | Date | day in the time zone of the project
-- column | channel | String | where it took place: web, app, email, ...; (not set) = unknown
-- column | events | Int64 | number of events
-- column | persons | Int64 | persons with an event in the channel; they do not add up
-- column | orders | Int64 | events of the kind order
-- column | revenue | Decimal(18, 4) | sum of revenue in currency, at most 99999999999999.9999 in size
-- column | currency | String | ISO 4217 code of the revenue; empty = none, (mixed) = several
-- column | complete | Bool | the day has ended
CREATE OR REPLACE VIEW analytics.metrics_daily
DEFINER = CURRENT_USER SQL SECURITY DEFINER
AS
WITH
    toDate({from:DateTime64(3, 'UTC')}) AS first_day,
    toDate({to:DateTime64(3, 'UTC')} - toIntervalMillisecond(1)) AS last_day,
    sums AS
    (
        SELECT
            toString(m.project) AS project,
            m.day AS day,
            toString(m.channel) AS channel,
            toInt64(sum(m.events)) AS events,
            toInt64(sum(m.orders)) AS orders,
            sumIf(m.revenue, {currency:String} = '' OR m.currency = {currency:String}) AS revenue,
            groupUniqArrayIf(toString(m.currency), m.currency != '' AND ({currency:String} = '' OR m.currency = {currency:String})) AS currencies,
            -- Amounts that name no currency.
            sumIf(m.revenue, {currency:String} = '' AND m.currency = '') AS bare
        FROM touchline.metrics AS m
        WHERE ({project:String} = '*' OR m.project = {project:String})
          AND (SELECT ok FROM touchline.allowed(project = {project:String}))
          AND (SELECT ok FROM touchline.good_interval(
                  granularity = 'day',
                  from = {from:DateTime64(3, 'UTC')},
                  to = {to:DateTime64(3, 'UTC')}))
          AND ({event:String} = '' OR m.event = {event:String})
          AND m.day BETWEEN first_day AND last_day
        GROUP BY project, day, channel
    ),
    person_counts AS
    (
        SELECT
            toString(p.of_project) AS project,
            p.month + bit AS day,
            toString(p.channel) AS channel,
            toInt64(count()) AS persons
        FROM
        (
            SELECT
                any(d.project) AS of_project,
                d.channel AS channel,
                d.month AS month,
                d.person_id AS person_id,
                groupBitOr(d.days) AS days
            FROM touchline.channel_days AS d
            WHERE ({project:String} = '*' OR d.project = {project:String})
              AND d.event = {event:String}
              AND d.month BETWEEN toStartOfMonth(first_day) AND last_day
            GROUP BY person_id, month, channel
        ) AS p
        ARRAY JOIN bitPositionsToArray(p.days) AS bit
        WHERE day BETWEEN first_day AND last_day
        GROUP BY project, day, channel
    )
SELECT
    c.project AS project,
    c.day AS day,
    if(c.channel = '', '(not set)', c.channel) AS channel,
    s.events AS events,
    p.persons AS persons,
    s.orders AS orders,
    toDecimal64(greatest(least(s.revenue, toDecimal128('99999999999999.9999', 4)), toDecimal128('-99999999999999.9999', 4)), 4) AS revenue,
    multiIf(empty(s.currencies), '', length(s.currencies) = 1 AND s.bare = 0, s.currencies[1], '(mixed)') AS currency,
    toBool(c.day < c.as_of_day) AS complete
FROM
(
    SELECT
        f.project AS project,
        f.channel AS channel,
        a.as_of_day AS as_of_day,
        first_day + toUInt16(arrayJoin(range(toUInt32(greatest(0, least(1000, last_day - first_day + 1)))))) AS day
    FROM (SELECT DISTINCT project, channel FROM sums) AS f
    INNER JOIN touchline.asked_days(project = {project:String}, as_of = {as_of:DateTime64(3, 'UTC')}) AS a ON a.project = f.project
) AS c
LEFT JOIN sums AS s ON s.project = c.project AND s.day = c.day AND s.channel = c.channel
LEFT JOIN person_counts AS p ON p.project = c.project AND p.day = c.day AND p.channel = c.channel
ORDER BY project, day, channel
-- The caller's own setting would turn days without events into NULL.
SETTINGS join_use_nulls = 0
COMMENT '${comment}'
