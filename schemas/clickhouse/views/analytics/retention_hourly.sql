-- Who comes back within hours: retention with hours instead of days. Cohort i holds
-- the persons who did start_event in hour i (mode 'recurring'), or whose first
-- start_event of all history lies in hour i (mode 'first_time'; 'first_ever' is the
-- same, because here an event is told by its name only). Period 0 is the cohort
-- itself; period k > 0 counts those of it who did return_event in hour i + k, and
-- where cumulative is set, in hour i + k or any later one. An empty event name stands
-- for any event.
--
-- Hour 0 is the one on the clocks of the project that holds `from`, and each hour that
-- passes from there is one: a day on which clocks change has 23 or 25 cohorts, and
-- cohort_hour leaves one out or shows one twice. Every cell is a row, complete when its
-- hour had ended at as_of. Until then persons is how many came back so far, and rate
-- is NULL. Bots are left out.
--
-- The other retention views read days; this one needs the times of the events
-- themselves. It takes quarters of an hour from each event, because that is what the
-- hours of any zone are made of, and makes hours of a person's quarters.
--
-- summary | Retention by cohort, in hours: who came back in which hour after the cohort's own
-- param  | project | String | 'demo' | id of the project, or * for all that you may read
-- param  | start_event | String | 'page_view' | what puts a person into a cohort; empty = any event
-- param  | return_event | String | 'page_view' | what counts as coming back; empty = any event
-- param  | mode | String | 'first_time' | recurring (a cohort for each hour with start_event) or first_time (of all history)
-- param  | cumulative | Bool | false | count a person at every period up to their last return
-- param  | from | DateTime64(3, 'UTC') | now64(3, 'UTC') - INTERVAL 48 HOUR | it lies in the first cohort's hour
-- param  | cohorts | UInt16 | 24 | number of cohorts, 1 to 1000
-- param  | periods | UInt16 | 24 | number of periods, 1 to 1000
-- param  | as_of | DateTime64(3, 'UTC') | now64(3, 'UTC') | a cell is complete when its hour had ended by then; it leaves no events out
-- column | project | String | id of the project
-- column | cohort_start | DateTime64(3, 'UTC') | when the cohort's hour begins
-- column | cohort_date | Date | its date in the time zone of the project
-- column | cohort_hour | Int64 | its hour of the day in the time zone of the project, 0 to 23
-- column | cohort | Int64 | number of the cohort, from 0
-- column | period | Int64 | number of the hour after the cohort's own, which is 0
-- column | persons | Int64 | who came back so far; in period 0, the cohort
-- column | cohort_size | Int64 | persons of the cohort
-- column | complete | Bool | the hour has ended
-- column | rate | Nullable(Float64) | persons / cohort_size; NULL while the hour lasts and without a cohort
CREATE OR REPLACE VIEW analytics.retention_hourly
DEFINER = CURRENT_USER SQL SECURITY DEFINER
AS
WITH
    {mode:String} != 'recurring' AS by_first,
    toUnixTimestamp64Milli({from:DateTime64(3, 'UTC')}) AS from_ms,
    -- When hour 0 begins, in quarters of an hour: clocks show `from` some minutes past it.
    hours AS
    (
        SELECT
            project,
            time_zone,
            intDiv(from_ms, 900000) - intDiv(toInt64(substring(toString({from:DateTime64(3, 'UTC')}, time_zone), 15, 2)), 15) AS first_quarter
        FROM touchline.asked_days(project = {project:String}, as_of = {as_of:DateTime64(3, 'UTC')})
    ),
    counts AS
    (
        SELECT
            m.project AS project,
            cohort,
            period,
            toInt64(count()) AS n
        FROM
        (
            SELECT
                p.of_project AS project,
                arrayFilter(
                    i -> i >= 0 AND i < {cohorts:UInt16}
                        AND (NOT by_first OR i = toInt32(floor((intDiv(f.started, 900000) - h.first_quarter) / 4))),
                    arrayDistinct(arrayMap(q -> toInt32(floor((q - h.first_quarter) / 4)), p.start_quarters))) AS member_of,
                arrayDistinct(arrayMap(q -> toInt32(floor((q - h.first_quarter) / 4)), p.return_quarters)) AS returned
            FROM
            (
                SELECT
                    toString(any(e.project)) AS of_project,
                    e.person_id AS person_id,
                    groupUniqArrayIf(intDiv(e.ms, 900000), {start_event:String} = '' OR e.event = {start_event:String}) AS start_quarters,
                    groupUniqArrayIf(intDiv(e.ms, 900000), {return_event:String} = '' OR e.event = {return_event:String}) AS return_quarters
                FROM touchline.events AS e
                WHERE ({project:String} = '*' OR e.project = {project:String})
                  AND (SELECT ok FROM touchline.allowed(project = {project:String}))
                  AND (SELECT ok FROM touchline.good_retention_hours(
                          mode = {mode:String},
                          from = {from:DateTime64(3, 'UTC')},
                          cohorts = {cohorts:UInt16},
                          periods = {periods:UInt16}))
                  AND ({start_event:String} = '' OR {return_event:String} = '' OR e.event IN ({start_event:String}, {return_event:String}))
                  AND e.event_time >= {from:DateTime64(3, 'UTC')} - toIntervalHour(1)
                  -- Later ones count only where a late return counts for all periods before it.
                  AND ({cumulative:Bool} OR e.event_time < {from:DateTime64(3, 'UTC')} + toIntervalHour(toUInt32({cohorts:UInt16}) + {periods:UInt16}))
                GROUP BY person_id
                HAVING notEmpty(start_quarters)
            ) AS p
            INNER JOIN hours AS h ON h.project = p.of_project
            LEFT JOIN
            (
                SELECT
                    t.person_id AS person_id,
                    toUnixTimestamp64Milli(min(t.first_time)) AS started
                FROM touchline.firsts AS t
                WHERE by_first
                  AND ({project:String} = '*' OR t.project = {project:String})
                  AND t.event = {start_event:String}
                GROUP BY person_id
                HAVING started >= from_ms - 3600000
            ) AS f ON f.person_id = p.person_id
        ) AS m
        ARRAY JOIN m.member_of AS cohort
        ARRAY JOIN if(
            {cumulative:Bool},
            range(least({periods:UInt16}, toUInt32(1 + arrayMax(arrayPushFront(arrayMap(i -> i - cohort, m.returned), 0))))),
            arrayPushFront(arrayFilter(k -> k > 0, arrayMap(i -> i - cohort, m.returned)), 0)
        ) AS period
        WHERE period < {periods:UInt16}
        GROUP BY project, cohort, period
    )
SELECT
    c.project AS project,
    fromUnixTimestamp64Milli((c.first_quarter + 4 * c.cohort) * 900000, 'UTC') AS cohort_start,
    toDate(left(toString(cohort_start, c.time_zone), 10)) AS cohort_date,
    toInt64(substring(toString(cohort_start, c.time_zone), 12, 2)) AS cohort_hour,
    toInt64(c.cohort) AS cohort,
    toInt64(c.period) AS period,
    counts.n AS persons,
    maxIf(counts.n, c.period = 0) OVER (PARTITION BY c.project, c.cohort) AS cohort_size,
    toBool((c.first_quarter + 4 * (c.cohort + c.period + 1)) * 900000 <= toUnixTimestamp64Milli({as_of:DateTime64(3, 'UTC')})) AS complete,
    if(complete AND cohort_size > 0, persons / cohort_size, NULL) AS rate
FROM
(
    SELECT
        h.project AS project,
        h.time_zone AS time_zone,
        h.first_quarter AS first_quarter,
        toInt32(intDiv(cell, greatest(1, {periods:UInt16}))) AS cohort,
        toInt32(cell % greatest(1, {periods:UInt16})) AS period
    FROM hours AS h
    ARRAY JOIN range(toUInt32({cohorts:UInt16}) * {periods:UInt16}) AS cell
) AS c
LEFT JOIN counts ON counts.project = c.project AND counts.cohort = c.cohort AND counts.period = c.period
ORDER BY project, cohort, period
-- The caller's own setting would turn empty cells into NULL.
SETTINGS join_use_nulls = 0
COMMENT '${comment}'
