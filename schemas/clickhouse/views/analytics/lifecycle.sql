-- Who is new, who stays, who comes back and who goes. In each interval a person who
-- is active is one of
--
--   new           the interval holds the first event of all their history
--   returning     active in the interval before, too
--   resurrecting  else: they were away
--
-- and whoever was active in the interval before and is not in this one is dormant,
-- counted negative. Where `event` names an event, new still looks at any event of the
-- person. Intervals are days, weeks from Monday, or months, in the time zone of the
-- project, from the one that holds the UTC date of `from` to the one that holds the
-- last instant before `to`; each counts as a whole. A row for each interval and
-- status, also of nobody. An interval is complete when it had ended at as_of, by the
-- clocks of the project; until then who is dormant is not known, and persons says who would be if
-- nobody came any more. Bots are left out.
--
-- summary | Life cycle by interval: new, returning, resurrecting and dormant persons
-- param  | project | String | 'demo' | id of the project, or * for all that you may read
-- param  | event | String | '' | what makes a person active; empty = any event
-- param  | granularity | String | 'week' | day, week (from Monday) or month
-- param  | from | DateTime64(3, 'UTC') | today() - 90 | its UTC date lies in the first interval
-- param  | to | DateTime64(3, 'UTC') | today() | intervals that begin before this count
-- param  | as_of | DateTime64(3, 'UTC') | now64(3, 'UTC') | an interval that had ended by then is complete
-- column | project | String | id of the project
-- column | interval_date | Date | first day of the interval
-- column | status | String | new, returning, resurrecting or dormant
-- column | persons | Int64 | how many; negative for dormant
-- column | complete | Bool | the interval has ended
CREATE OR REPLACE VIEW analytics.lifecycle
DEFINER = CURRENT_USER SQL SECURITY DEFINER
AS
WITH
    if({granularity:String} IN ('week', 'month'), {granularity:String}, 'day') AS unit,
    toDate({from:DateTime64(3, 'UTC')}) AS from_day,
    toInt32(dateDiff(unit, from_day, toDate({to:DateTime64(3, 'UTC')} - toIntervalMillisecond(1)))) AS last_number,
    ['new', 'returning', 'resurrecting', 'dormant'] AS statuses,
    counts AS
    (
        SELECT
            a.project AS project,
            entry.1 AS number,
            entry.2 AS status_number,
            toInt64(count()) AS n
        FROM touchline.person_active(
            project = {project:String},
            event = {event:String},
            granularity = {granularity:String},
            from = {from:DateTime64(3, 'UTC')},
            to = {to:DateTime64(3, 'UTC')},
            -- A month back lies in the interval before, whatever its length.
            days_back = 31) AS a
        LEFT JOIN
        (
            SELECT
                f.person_id AS person_id,
                toInt32(dateDiff(unit, from_day, min(f.first_day))) AS created
            FROM touchline.firsts AS f
            WHERE ({project:String} = '*' OR f.project = {project:String})
              AND f.event = ''
            GROUP BY person_id
        ) AS c ON c.person_id = a.person_id
        ARRAY JOIN arrayConcat(
            arrayMap(
                x -> (x, toUInt8(multiIf(x = c.created, 1, has(a.intervals, x - 1), 2, 3))),
                a.intervals),
            arrayMap(x -> (x + 1, toUInt8(4)), arrayFilter(x -> NOT has(a.intervals, x + 1), a.intervals))
        ) AS entry
        WHERE number BETWEEN 0 AND last_number
        GROUP BY project, number, status_number
    )
SELECT
    p.project AS project,
    multiIf(
        unit = 'month', addMonths(toStartOfMonth(from_day), p.number),
        unit = 'week', toMonday(from_day) + 7 * p.number,
        from_day + p.number
    ) AS interval_date,
    statuses[p.status_number] AS status,
    if(p.status_number = 4, -c.n, c.n) AS persons,
    toBool(p.number < dateDiff(unit, from_day, p.as_of_day)) AS complete
FROM
(
    SELECT
        project,
        as_of_day,
        toInt32(intDiv(cell, 4)) AS number,
        toUInt8(1 + cell % 4) AS status_number
    FROM touchline.asked_days(project = {project:String}, as_of = {as_of:DateTime64(3, 'UTC')})
    ARRAY JOIN range(toUInt32(4 * greatest(0, least(1000, last_number + 1)))) AS cell
) AS p
LEFT JOIN counts AS c ON c.project = p.project AND c.number = p.number AND c.status_number = p.status_number
ORDER BY project, interval_date, p.status_number
-- The caller's own setting would turn nobody into NULL.
SETTINGS join_use_nulls = 0
COMMENT '${comment}'
