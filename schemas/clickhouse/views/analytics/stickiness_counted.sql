-- How regularly persons do something often, or seldom: stickiness where an interval
-- counts for a person when the number of their events in it meets a criterion, such as
-- '>=' 3 or '<=' 1. Intervals without an event are not put to it, so '<=' 1 does not
-- count those in which nobody came.
--
-- Intervals are days, weeks from Monday, or months, in the time zone of the project,
-- from the one that holds the UTC date of `from` to the one that holds the last
-- instant before `to`; each counts as a whole. A row for every number of intervals,
-- also where nobody is. Bots are left out.
--
-- stickiness reads the days on which persons did something; how often they did it
-- is in the events only.
--
-- summary | Stickiness with a criterion: in how many intervals persons did an event so many times
-- param  | project | String | 'demo' | id of the project, or * for all that you may read
-- param  | event | String | 'page_view' | the event to count; empty = any event
-- param  | comparison | String | '>=' | how an interval's number of events is compared: >=, <= or =
-- param  | occurrences | UInt64 | 3 | with what, 1 to 1000000
-- param  | granularity | String | 'day' | day, week (from Monday) or month
-- param  | from | DateTime64(3, 'UTC') | today() - 30 | its UTC date lies in the first interval
-- param  | to | DateTime64(3, 'UTC') | today() | intervals that begin before this count
-- column | project | String | id of the project
-- column | intervals | Int64 | number of intervals, from 1
-- column | persons | Int64 | persons who met the criterion in exactly so many
-- column | persons_at_least | Int64 | persons who met it in so many or more
-- column | share_at_least | Float64 | persons_at_least / all who met it, 0 to 1; 0 if nobody did
CREATE OR REPLACE VIEW analytics.stickiness_counted
DEFINER = CURRENT_USER SQL SECURITY DEFINER
AS
WITH
    if({granularity:String} IN ('week', 'month'), {granularity:String}, 'day') AS unit,
    toDate({from:DateTime64(3, 'UTC')}) AS from_day,
    toDate({to:DateTime64(3, 'UTC')} - toIntervalMillisecond(1)) AS last_day,
    if(unit = 'month', toStartOfMonth(from_day), if(unit = 'week', toMonday(from_day), from_day)) AS begin,
    -- The day after the last interval.
    if(unit = 'month', addMonths(toStartOfMonth(last_day), 1), if(unit = 'week', toMonday(last_day) + 7, last_day + 1)) AS end,
    toUInt32(greatest(1, least(1000, 1 + dateDiff(unit, from_day, last_day)))) AS interval_count,
    counts AS
    (
        SELECT
            toString(p.of_project) AS project,
            toUInt32(p.met) AS number,
            toInt64(count()) AS n
        FROM
        (
            SELECT
                any(i.of_project) AS of_project,
                countIf(multiIf(
                    {comparison:String} = '>=', i.occurrences >= {occurrences:UInt64},
                    {comparison:String} = '<=', i.occurrences <= {occurrences:UInt64},
                    i.occurrences = {occurrences:UInt64})) AS met
            FROM
            (
                SELECT
                    any(e.project) AS of_project,
                    e.person_id AS person_id,
                    if(unit = 'month', toStartOfMonth(e.day), if(unit = 'week', toMonday(e.day), e.day)) AS interval_day,
                    count() AS occurrences
                FROM touchline.events AS e
                WHERE ({project:String} = '*' OR e.project = {project:String})
                  AND (SELECT ok FROM touchline.allowed(project = {project:String}))
                  AND (SELECT ok FROM touchline.good_interval(
                          granularity = {granularity:String},
                          from = {from:DateTime64(3, 'UTC')},
                          to = {to:DateTime64(3, 'UTC')}))
                  AND (SELECT ok FROM touchline.good_occurrences(
                          comparison = {comparison:String},
                          occurrences = {occurrences:UInt64}))
                  AND ({event:String} = '' OR e.event = {event:String})
                  AND e.day >= begin
                  AND e.day < end
                  -- A day of a project begins and ends up to 14 hours off UTC's.
                  AND e.event_time >= toDateTime64(begin, 3, 'UTC') - toIntervalDay(1)
                  AND e.event_time < toDateTime64(end, 3, 'UTC') + toIntervalDay(1)
                GROUP BY person_id, interval_day
            ) AS i
            GROUP BY i.person_id
        ) AS p
        GROUP BY project, number
    )
SELECT
    p.project AS project,
    toInt64(p.number) AS intervals,
    c.n AS persons,
    sum(c.n) OVER (PARTITION BY p.project ORDER BY p.number DESC) AS persons_at_least,
    if(sum(c.n) OVER (PARTITION BY p.project) = 0, 0, persons_at_least / sum(c.n) OVER (PARTITION BY p.project)) AS share_at_least
FROM
(
    SELECT project, toUInt32(arrayJoin(range(1, interval_count + 1))) AS number
    FROM touchline.asked_projects(project = {project:String})
) AS p
LEFT JOIN counts AS c ON c.project = p.project AND c.number = p.number
ORDER BY project, intervals
-- The caller's own setting would turn nobody into NULL.
SETTINGS join_use_nulls = 0
COMMENT '${comment}'
