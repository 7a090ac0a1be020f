-- One number by day, week or month, with the change to the interval before. The
-- metric is one of
--
--   persons      persons with the event in the interval
--   new_persons  persons whose first such event of all history lies in it
--   events       events
--   orders       events of the kind order
--   revenue      what events say, in currency; name one where there are several
--   sessions     sessions whose first day lies in the interval; there is no event to name
--   bounce_rate  the share of them in which somebody did at most one thing
--
-- Intervals are those of the project's time zone, weeks from Monday: from the one that
-- holds the UTC date of `from` to the one that holds the last instant before `to`;
-- each counts as a whole. An interval is complete when it had ended at as_of, by the
-- clocks of the project. Until then value is what it is so far, and change is NULL, because part
-- of an interval cannot be held against a whole one. Bots are left out.
--
-- Only the tables that the metric needs are read: the conditions on {metric:String}
-- are constants.
--
-- summary | One metric by day, week or month, with its change to the interval before
-- param  | project | String | 'demo' | id of the project, or * for all that you may read
-- param  | metric | String | 'persons' | persons, new_persons, events, orders, revenue, sessions or bounce_rate
-- param  | event | String | '' | the event that counts; empty = any event, which sessions want
-- param  | currency | String | '' | currency of the revenue; empty = any
-- param  | granularity | String | 'week' | day, week (from Monday) or month
-- param  | from | DateTime64(3, 'UTC') | today() - 90 | its UTC date lies in the first interval
-- param  | to | DateTime64(3, 'UTC') | today() | intervals that begin before this count
-- param  | as_of | DateTime64(3, 'UTC') | now64(3, 'UTC') | an interval that had ended by then is complete
-- column | project | String | id of the project
-- column | interval_date | Date | first day of the interval
-- column | metric | String | the metric
-- column | value | Float64 | its value in the interval
-- column | previous | Float64 | its value in the interval before
-- column | change | Nullable(Float64) | (value - previous) / previous; NULL if previous is 0 or the interval is not complete
-- column | complete | Bool | the interval has ended
CREATE OR REPLACE VIEW analytics.north_star
DEFINER = CURRENT_USER SQL SECURITY DEFINER
AS
WITH
    if({granularity:String} IN ('week', 'month'), {granularity:String}, 'day') AS unit,
    toDate({from:DateTime64(3, 'UTC')}) AS from_day,
    toDate({to:DateTime64(3, 'UTC')} - toIntervalMillisecond(1)) AS last_day,
    toInt32(dateDiff(unit, from_day, last_day)) AS last_number,
    -- The first day of the interval before, and that after the last one.
    if(unit = 'month', addMonths(toStartOfMonth(from_day), -1), if(unit = 'week', toMonday(from_day) - 7, from_day - 1)) AS begin,
    if(unit = 'month', addMonths(toStartOfMonth(last_day), 1), if(unit = 'week', toMonday(last_day) + 7, last_day + 1)) AS end,
    values AS
    (
        SELECT
            toString(a.project) AS project,
            toInt32(number) AS number,
            toFloat64(count()) AS value
        FROM touchline.person_active(
            project = {project:String},
            event = {event:String},
            granularity = {granularity:String},
            from = {from:DateTime64(3, 'UTC')},
            to = {to:DateTime64(3, 'UTC')},
            days_back = 31) AS a
        ARRAY JOIN a.intervals AS number
        WHERE {metric:String} = 'persons'
        GROUP BY project, number
        UNION ALL
        SELECT
            toString(n.of_project) AS project,
            toInt32(dateDiff(unit, from_day, n.first_day)) AS number,
            toFloat64(count()) AS value
        FROM
        (
            SELECT
                any(f.project) AS of_project,
                min(f.first_day) AS first_day
            FROM touchline.firsts AS f
            WHERE {metric:String} = 'new_persons'
              AND ({project:String} = '*' OR f.project = {project:String})
              AND f.event = {event:String}
            GROUP BY f.person_id
        ) AS n
        GROUP BY project, number
        UNION ALL
        SELECT
            toString(m.project) AS project,
            toInt32(dateDiff(unit, from_day, m.day)) AS number,
            toFloat64(multiIf(
                {metric:String} = 'events', toDecimal128(sum(m.events), 4),
                {metric:String} = 'orders', toDecimal128(sum(m.orders), 4),
                sumIf(m.revenue, {currency:String} = '' OR m.currency = {currency:String}))) AS value
        FROM touchline.metrics AS m
        WHERE {metric:String} IN ('events', 'orders', 'revenue')
          AND ({project:String} = '*' OR m.project = {project:String})
          AND ({event:String} = '' OR m.event = {event:String})
          -- The last interval reaches up to 30 days beyond the last day.
          AND m.day BETWEEN from_day - 62 AND last_day + 31
        GROUP BY project, number
        UNION ALL
        SELECT
            toString(s.of_project) AS project,
            toInt32(dateDiff(unit, from_day, s.first_day)) AS number,
            if({metric:String} = 'sessions', toFloat64(count()), countIf(s.interaction_count <= 1) / count()) AS value
        FROM
        (
            SELECT
                any(v.project) AS of_project,
                min(v.day) AS first_day,
                sum(v.interactions) AS interaction_count
            FROM touchline.visit_rows AS v
            WHERE {metric:String} IN ('sessions', 'bounce_rate')
              AND ({project:String} = '*' OR v.project = {project:String})
              -- A session has rows of two days, and of three where a clock is put back.
              AND v.day BETWEEN begin - 2 AND end + 1
            GROUP BY v.session_id
        ) AS s
        GROUP BY project, number
    )
SELECT
    project,
    interval_date,
    {metric:String} AS metric,
    value,
    previous,
    if(complete AND previous != 0, (value - previous) / previous, NULL) AS change,
    complete
FROM
(
    SELECT
        p.project AS project,
        p.number AS number,
        multiIf(
            unit = 'month', addMonths(toStartOfMonth(from_day), p.number),
            unit = 'week', toMonday(from_day) + 7 * p.number,
            from_day + p.number
        ) AS interval_date,
        v.value AS value,
        lagInFrame(v.value) OVER (PARTITION BY p.project ORDER BY p.number ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW) AS previous,
        toBool(p.number < dateDiff(unit, from_day, p.as_of_day)) AS complete
    FROM
    (
        SELECT project, as_of_day, toInt32(arrayJoin(range(-1, least(1000, last_number + 1)))) AS number
        FROM touchline.asked_days(project = {project:String}, as_of = {as_of:DateTime64(3, 'UTC')})
        WHERE (SELECT ok FROM touchline.allowed(project = {project:String}))
          AND (SELECT ok FROM touchline.good_interval(
                  granularity = {granularity:String},
                  from = {from:DateTime64(3, 'UTC')},
                  to = {to:DateTime64(3, 'UTC')}))
          AND (SELECT throwIf(
                  {metric:String} NOT IN ('persons', 'new_persons', 'events', 'orders', 'revenue', 'sessions', 'bounce_rate'),
                  'metric: want persons, new_persons, events, orders, revenue, sessions or bounce_rate') = 0)
          AND (SELECT throwIf({metric:String} IN ('sessions', 'bounce_rate') AND {event:String} != '', 'event: want none with sessions and bounce_rate') = 0)
    ) AS p
    LEFT JOIN values AS v ON v.project = p.project AND v.number = p.number
)
WHERE number >= 0
ORDER BY project, interval_date
-- The caller's own setting would turn intervals of nobody into NULL.
SETTINGS join_use_nulls = 0
COMMENT '${comment}'
