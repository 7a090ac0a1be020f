-- Retention by each person's own clock. A person is in one cohort, that of the first
-- start_event of all history: cohort i holds those who began i intervals after
-- `from`. Period k > 0 counts those of them who did return_event from k to k + 1
-- intervals after their own start, whatever the calendar says. An interval is 1 h
-- (hour), 24 h (day), 7 x 24 h (week) or 30 x 24 h (month). An empty event name stands
-- for any event.
--
-- Every cell is a row. It is complete when its interval has ended, by as_of, for
-- whoever joined the cohort last. Until then persons is how many came back so far,
-- and rate is NULL. Bots are left out. There is no cumulative form.
--
-- The other retention views read days; this one needs the times of the return
-- events themselves, so it takes longer with return_event = ''.
--
-- summary | Retention by each person's own clock: so many times 24 hours after the first event
-- param  | project | String | 'demo' | id of the project, or * for all that you may read
-- param  | start_event | String | 'page_view' | what puts a person into a cohort; empty = any event
-- param  | return_event | String | 'page_view' | what counts as coming back; empty = any event
-- param  | granularity | String | 'day' | hour, day (24 h), week (7 days) or month (30 days)
-- param  | from | DateTime64(3, 'UTC') | now64(3, 'UTC') - INTERVAL 30 DAY | the first cohort begins here
-- param  | cohorts | UInt16 | 30 | number of cohorts, 1 to 1000
-- param  | periods | UInt16 | 15 | number of periods, 1 to 1000
-- param  | as_of | DateTime64(3, 'UTC') | now64(3, 'UTC') | a cell is complete when it can no longer change after this time
-- column | project | String | id of the project
-- column | cohort_start | DateTime64(3, 'UTC') | when the cohort begins
-- column | cohort_date | Date | its date, in UTC
-- column | cohort | Int64 | number of the cohort, from 0
-- column | period | Int64 | intervals since the person's own start; 0 is the cohort
-- column | persons | Int64 | who came back so far; in period 0, the cohort
-- column | cohort_size | Int64 | persons of the cohort
-- column | complete | Bool | the interval has ended for everybody in the cohort
-- column | rate | Nullable(Float64) | persons / cohort_size; NULL while the interval lasts and without a cohort
CREATE OR REPLACE VIEW analytics.retention_rolling
DEFINER = CURRENT_USER SQL SECURITY DEFINER
AS
WITH
    toUnixTimestamp64Milli({from:DateTime64(3, 'UTC')}) AS from_ms,
    toInt64(transform({granularity:String}, ['hour', 'day', 'week', 'month'], [1, 24, 168, 720], 1)) * 3600000 AS unit_ms,
    starts AS
    (
        SELECT
            any(f.project) AS of_project,
            f.person_id AS person_id,
            toUnixTimestamp64Milli(min(f.first_time)) AS started
        FROM touchline.firsts AS f
        WHERE ({project:String} = '*' OR f.project = {project:String})
          AND (SELECT ok FROM touchline.allowed(project = {project:String}))
          AND (SELECT ok FROM touchline.good_rolling(
                  granularity = {granularity:String},
                  from = {from:DateTime64(3, 'UTC')},
                  cohorts = {cohorts:UInt16},
                  periods = {periods:UInt16}))
          AND f.event = {start_event:String}
        GROUP BY person_id
        HAVING started >= from_ms AND started < from_ms + {cohorts:UInt16} * unit_ms
    ),
    counts AS
    (
        SELECT
            p.project AS project,
            p.cohort AS cohort,
            period,
            toInt64(count()) AS n
        FROM
        (
            SELECT
                toString(any(s.of_project)) AS project,
                toInt32(intDiv(any(s.started) - from_ms, unit_ms)) AS cohort,
                -- The join fills in 0 for who never came back.
                groupUniqArray(if(e.ms > s.started, toInt32(intDiv(e.ms - s.started, unit_ms)), 0)) AS periods
            FROM starts AS s
            LEFT JOIN
            (
                SELECT
                    r.person_id AS person_id,
                    r.ms AS ms
                FROM touchline.events AS r
                WHERE ({project:String} = '*' OR r.project = {project:String})
                  AND ({return_event:String} = '' OR r.event = {return_event:String})
                  AND r.event_time >= {from:DateTime64(3, 'UTC')}
                  AND r.ms < from_ms + ({cohorts:UInt16} + {periods:UInt16}) * unit_ms
            ) AS e ON e.person_id = s.person_id
            GROUP BY s.person_id
        ) AS p
        ARRAY JOIN arrayPushFront(arrayFilter(k -> k > 0 AND k < {periods:UInt16}, p.periods), 0) AS period
        GROUP BY project, cohort, period
    )
SELECT
    c.project AS project,
    fromUnixTimestamp64Milli(from_ms + c.cohort * unit_ms, 'UTC') AS cohort_start,
    toDate(cohort_start) AS cohort_date,
    toInt64(c.cohort) AS cohort,
    toInt64(c.period) AS period,
    counts.n AS persons,
    maxIf(counts.n, c.period = 0) OVER (PARTITION BY c.project, c.cohort) AS cohort_size,
    toBool(from_ms + (c.cohort + c.period + 2) * unit_ms <= toUnixTimestamp64Milli({as_of:DateTime64(3, 'UTC')})) AS complete,
    if(complete AND cohort_size > 0, persons / cohort_size, NULL) AS rate
FROM
(
    SELECT
        a.project AS project,
        toInt32(intDiv(cell, greatest(1, {periods:UInt16}))) AS cohort,
        toInt32(cell % greatest(1, {periods:UInt16})) AS period
    FROM touchline.asked_days(project = {project:String}, as_of = {as_of:DateTime64(3, 'UTC')}) AS a
    ARRAY JOIN range(toUInt32({cohorts:UInt16}) * {periods:UInt16}) AS cell
) AS c
LEFT JOIN counts ON counts.project = c.project AND counts.cohort = c.cohort AND counts.period = c.period
ORDER BY project, cohort, period
-- The caller's own setting would turn nobody into NULL.
SETTINGS join_use_nulls = 0
COMMENT '${comment}'
