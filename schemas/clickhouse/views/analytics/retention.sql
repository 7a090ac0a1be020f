-- Who comes back. Cohort i holds the persons who did start_event in interval i
-- (mode 'recurring'), or whose first start_event of all history lies in interval i
-- (mode 'first_time'; 'first_ever' is the same, because here an event is told by
-- its name only). Period 0 is the cohort itself; period k > 0 counts those of it who
-- did return_event in interval i + k, and where cumulative is set, in interval
-- i + k or any later one. An empty event name stands for any event.
--
-- Intervals are days, weeks from Monday, or months, in the time zone of the
-- project; interval 0 is the one that holds the UTC date of `from`. Every cell of
-- cohorts x periods is a row, also where nobody is in it; a cell is complete when
-- its interval had ended at as_of, by the clocks of the project. Until then persons is
-- how many came back so far, and rate, which a heat map should show, is NULL. Bots are
-- left out.
--
-- It reads the days on which persons did an event, not the events. Persons with the
-- same cohorts and the same returns are counted together, before cells are made of
-- them.
--
-- Parameters and columns are a public contract and never change: a new mode is a
-- new view.
--
-- summary | Retention by cohort: who came back in which interval after the cohort's own
-- param  | project | String | 'demo' | id of the project, or * for all that you may read
-- param  | start_event | String | 'page_view' | what puts a person into a cohort; empty = any event
-- param  | return_event | String | '' | what counts as coming back; empty = any event
-- param  | granularity | String | 'day' | day, week (from Monday) or month
-- param  | mode | String | 'first_time' | recurring (a cohort for each interval with start_event) or first_time (of all history)
-- param  | cumulative | Bool | false | count a person at every period up to their last return
-- param  | from | DateTime64(3, 'UTC') | today() - 30 | its UTC date lies in the first cohort
-- param  | cohorts | UInt16 | 30 | number of cohorts, 1 to 1000
-- param  | periods | UInt16 | 15 | number of periods, 1 to 1000
-- param  | as_of | DateTime64(3, 'UTC') | now64(3, 'UTC') | a cell is complete when its interval had ended by then; it leaves no events out
-- column | project | String | id of the project
-- column | cohort_date | Date | first day of the cohort
-- column | cohort | Int64 | number of the cohort, from 0
-- column | period | Int64 | number of the interval after the cohort's own, which is 0
-- column | persons | Int64 | who came back so far; in period 0, the cohort
-- column | cohort_size | Int64 | persons of the cohort
-- column | complete | Bool | the interval has ended
-- column | rate | Nullable(Float64) | persons / cohort_size; NULL while the interval lasts and without a cohort
CREATE OR REPLACE VIEW analytics.retention
DEFINER = CURRENT_USER SQL SECURITY DEFINER
AS
WITH
    -- dateDiff would refuse an unknown unit before good_retention can say what is wrong.
    if({granularity:String} IN ('week', 'month'), {granularity:String}, 'day') AS unit,
    toDate({from:DateTime64(3, 'UTC')}) AS from_day,
    (words) -> arrayFlatten(arrayMap(
        (word, w) -> arrayMap(b -> toInt32(64 * w - 64 + b), bitPositionsToArray(word)), words, arrayEnumerate(words))) AS places,
    counts AS
    (
        SELECT
            r.project AS project,
            r.cohort AS cohort,
            period,
            sum(r.persons) AS n
        FROM
        (
            SELECT
                s.project AS project,
                cohort,
                multiIf(i < cohort, toInt32(0), {cumulative:Bool}, least(i - cohort, toInt32({periods:UInt16}) - 1), i - cohort) AS reached,
                sum(s.persons) AS persons
            FROM
            (
                SELECT
                    project,
                    places(cohort_words) AS member_of,
                    -- -1 stands for the cohort itself; where cumulative, only the last return counts.
                    if({cumulative:Bool}, [arrayMax(arrayPushFront(places(return_words), toInt32(-1)))], arrayPushFront(places(return_words), toInt32(-1))) AS returned,
                    toInt64(count()) AS persons
                FROM touchline.retention_members(
                    project = {project:String},
                    start_event = {start_event:String},
                    return_event = {return_event:String},
                    granularity = {granularity:String},
                    mode = {mode:String},
                    cumulative = {cumulative:Bool},
                    from = {from:DateTime64(3, 'UTC')},
                    cohorts = {cohorts:UInt16},
                    periods = {periods:UInt16})
                GROUP BY project, cohort_words, return_words
            ) AS s
            ARRAY JOIN s.member_of AS cohort
            ARRAY JOIN s.returned AS i
            WHERE {cumulative:Bool} OR i = -1 OR i > cohort AND i < cohort + toInt32({periods:UInt16})
            GROUP BY project, cohort, reached
        ) AS r
        ARRAY JOIN if({cumulative:Bool}, range(toUInt32(r.reached + 1)), [toUInt32(r.reached)]) AS period
        GROUP BY project, cohort, period
    ),
    cells AS
    (
        SELECT
            a.project AS project,
            a.as_of_day AS as_of_day,
            toInt32(intDiv(cell, greatest(1, {periods:UInt16}))) AS cohort,
            toInt32(cell % greatest(1, {periods:UInt16})) AS period
        FROM touchline.asked_days(project = {project:String}, as_of = {as_of:DateTime64(3, 'UTC')}) AS a
        ARRAY JOIN range(toUInt32({cohorts:UInt16}) * {periods:UInt16}) AS cell
    )
SELECT
    cells.project AS project,
    multiIf(
        unit = 'month', addMonths(toStartOfMonth(from_day), cells.cohort),
        unit = 'week', toMonday(from_day) + 7 * cells.cohort,
        from_day + cells.cohort
    ) AS cohort_date,
    toInt64(cells.cohort) AS cohort,
    toInt64(cells.period) AS period,
    counts.n AS persons,
    maxIf(counts.n, cells.period = 0) OVER (PARTITION BY cells.project, cells.cohort) AS cohort_size,
    toBool(cells.cohort + cells.period < dateDiff(unit, from_day, cells.as_of_day)) AS complete,
    if(complete AND cohort_size > 0, persons / cohort_size, NULL) AS rate
FROM cells
LEFT JOIN counts ON counts.project = cells.project AND counts.cohort = cells.cohort AND counts.period = cells.period
ORDER BY project, cohort, period
-- The caller's own setting would turn empty cells into NULL.
SETTINGS join_use_nulls = 0
COMMENT '${comment}'
