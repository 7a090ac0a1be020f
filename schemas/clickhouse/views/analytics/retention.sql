-- Who comes back. Cohort i holds the persons who did start_event in interval i
-- (mode 'recurring'), or whose first start_event of all history lies in interval i
-- (mode 'first_time'). Period 0 is the cohort itself; period k > 0 counts those of
-- it who did return_event in interval i + k, and where cumulative is set, in
-- interval i + k or any later one. An empty event name stands for any event.
--
-- Intervals are days, weeks from Monday, or months, in the time zone of the
-- project; interval 0 is the one that holds the UTC date of `from`. Every cell of
-- cohorts x periods is a row, also where nobody is in it; a cell is complete when
-- its interval ended before the UTC date of as_of. Bots are left out.
--
-- Parameters and columns are a public contract and never change: a new mode is a
-- new view.
CREATE OR REPLACE VIEW analytics.retention
DEFINER = CURRENT_USER SQL SECURITY DEFINER
AS
WITH
    -- dateDiff would refuse an unknown unit before good_retention can say what is wrong.
    if({granularity:String} IN ('week', 'month'), {granularity:String}, 'day') AS unit,
    toDate({from:DateTime64(3, 'UTC')}) AS from_day,
    members AS
    (
        -- The cohorts of each person, and the intervals of their return events.
        SELECT
            arrayFilter(
                i -> i >= 0 AND i < {cohorts:UInt16}
                    AND ({mode:String} != 'first_time' OR i = toInt32(dateDiff(unit, from_day, first.first_day))),
                intervals.start_intervals
            ) AS member_of,
            intervals.return_intervals AS returned
        FROM touchline.person_intervals(
            project = {project:String},
            start_event = {start_event:String},
            return_event = {return_event:String},
            granularity = {granularity:String},
            from = {from:DateTime64(3, 'UTC')}) AS intervals
        LEFT JOIN
        (
            SELECT
                dictGetOrDefault('touchline.person_map', 'new_id', p.person_id, p.person_id) AS person_id,
                min(p.first_day) AS first_day
            FROM touchline.person_first AS p
            WHERE project = {project:String}
              AND event = {start_event:String}
              AND {mode:String} = 'first_time'
            GROUP BY person_id
        ) AS first ON first.person_id = intervals.person_id
        WHERE (SELECT ok FROM touchline.good_retention(
                  granularity = {granularity:String},
                  mode = {mode:String},
                  from = {from:DateTime64(3, 'UTC')},
                  cohorts = {cohorts:UInt16},
                  periods = {periods:UInt16}))
    ),
    counts AS
    (
        SELECT
            cohort,
            period,
            toInt64(count()) AS n
        FROM members
        ARRAY JOIN member_of AS cohort
        ARRAY JOIN if(
            {cumulative:Bool},
            range(toUInt32(1 + arrayMax(arrayPushFront(arrayMap(i -> i - cohort, returned), 0)))),
            arrayPushFront(arrayFilter(k -> k > 0, arrayMap(i -> i - cohort, returned)), 0)
        ) AS period
        WHERE period < {periods:UInt16}
        GROUP BY cohort, period
    ),
    cells AS
    (
        SELECT
            toInt32(intDiv(cell, {periods:UInt16})) AS cohort,
            toInt32(cell % {periods:UInt16}) AS period
        FROM (SELECT arrayJoin(range(toUInt32({cohorts:UInt16}) * {periods:UInt16})) AS cell)
    )
SELECT
    multiIf(
        unit = 'month', addMonths(toStartOfMonth(from_day), cells.cohort),
        unit = 'week', toMonday(from_day) + 7 * cells.cohort,
        from_day + cells.cohort
    ) AS cohort_date,
    toInt64(cells.cohort) AS cohort,
    toInt64(cells.period) AS period,
    counts.n AS persons,
    maxIf(counts.n, cells.period = 0) OVER (PARTITION BY cells.cohort) AS cohort_size,
    toBool(cells.cohort + cells.period < dateDiff(unit, from_day, toDate({as_of:DateTime64(3, 'UTC')}))) AS complete
FROM cells
LEFT JOIN counts ON counts.cohort = cells.cohort AND counts.period = cells.period
ORDER BY cohort, period
-- The caller's own setting would turn empty cells into NULL.
SETTINGS join_use_nulls = 0
COMMENT 'Retention by cohort. Call: analytics.retention(project = ''demo'', start_event = ''signup'', return_event = '''', granularity = ''day'', mode = ''first_time'', cumulative = false, from = today() - 30, cohorts = 30, periods = 15, as_of = today()). Columns: cohort_date, cohort, period, persons, cohort_size, complete (the interval has ended)'
