-- Retention, divided by what persons were first: the first channel that won them
-- (acquisition_channel), their first campaign (utm_campaign), country, device_type,
-- or any other column of touchline.events that is a text; an unknown one is an error
-- that names it. A person's value is the first one of all history that is not empty,
-- so everybody is in one group, and the groups sum up to analytics.retention in each
-- cell. The rule of cohorts and periods is the one told there.
--
-- Values are ranked by the persons of their cohorts; those beyond the top are 'Other',
-- those without a value '(not set)'.
--
-- The first acquisition channel of everybody is at hand. For another column all
-- history is read, which takes the longer the more events have a value.
--
-- summary | Retention by cohort, divided by the first channel, campaign, country, ... of each person
-- param  | project | String | 'demo' | id of the project, or * for all that you may read
-- param  | start_event | String | 'page_view' | what puts a person into a cohort; empty = any event
-- param  | return_event | String | '' | what counts as coming back; empty = any event
-- param  | granularity | String | 'week' | day, week (from Monday) or month
-- param  | mode | String | 'first_time' | recurring (a cohort for each interval with start_event) or first_time (of all history)
-- param  | cumulative | Bool | false | count a person at every period up to their last return
-- param  | from | DateTime64(3, 'UTC') | today() - 60 | its UTC date lies in the first cohort
-- param  | cohorts | UInt16 | 8 | number of cohorts, 1 to 1000
-- param  | periods | UInt16 | 8 | number of periods, 1 to 1000
-- param  | as_of | DateTime64(3, 'UTC') | now64(3, 'UTC') | a cell is complete when its interval had ended by then; it leaves no events out
-- param  | by | String | 'acquisition_channel' | column to break down by: acquisition_channel, utm_campaign, country, device_type, ...
-- param  | top | UInt64 | 10 | values that are shown by themselves, 1 to 1000; the rest is Other
-- column | project | String | id of the project
-- column | breakdown | String | first value of the persons; (not set) without one, Other beyond the top
-- column | cohort_date | Date | first day of the cohort
-- column | cohort | Int64 | number of the cohort, from 0
-- column | period | Int64 | number of the interval after the cohort's own, which is 0
-- column | persons | Int64 | who came back so far; in period 0, the cohort
-- column | cohort_size | Int64 | persons of the cohort in the group
-- column | complete | Bool | the interval has ended
-- column | rate | Nullable(Float64) | persons / cohort_size; NULL while the interval lasts and without a cohort
CREATE OR REPLACE VIEW analytics.retention_by
DEFINER = CURRENT_USER SQL SECURITY DEFINER
AS
WITH
    if({granularity:String} IN ('week', 'month'), {granularity:String}, 'day') AS unit,
    toDate({from:DateTime64(3, 'UTC')}) AS from_day,
    toUInt32({cohorts:UInt16}) * {periods:UInt16} AS cell_count,
    (words) -> arrayFlatten(arrayMap(
        (word, w) -> arrayMap(b -> toInt32(64 * w - 64 + b), bitPositionsToArray(word)), words, arrayEnumerate(words))) AS places,
    -- Persons by value and cell; cells count on from cohort to cohort.
    counts AS
    (
        SELECT
            toString(r.project) AS project,
            if(r.value = '', '(not set)', r.value) AS value,
            toUInt32(r.cohort * {periods:UInt16} + period) AS cell,
            sum(r.persons) AS n
        FROM
        (
            SELECT
                s.project AS project,
                s.value AS value,
                cohort,
                multiIf(i < cohort, toInt32(0), {cumulative:Bool}, least(i - cohort, toInt32({periods:UInt16}) - 1), i - cohort) AS reached,
                sum(s.persons) AS persons
            FROM
            (
                SELECT
                    m.project AS project,
                    v.value AS value,
                    places(m.cohort_words) AS member_of,
                    -- -1 stands for the cohort itself; where cumulative, only the last return counts.
                    if({cumulative:Bool}, [arrayMax(arrayPushFront(places(m.return_words), toInt32(-1)))], arrayPushFront(places(m.return_words), toInt32(-1))) AS returned,
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
                    periods = {periods:UInt16}) AS m
                LEFT JOIN touchline.first_values(
                    by = {by:String},
                    project = {project:String},
                    start_event = {start_event:String},
                    granularity = {granularity:String},
                    mode = {mode:String},
                    from = {from:DateTime64(3, 'UTC')},
                    cohorts = {cohorts:UInt16}) AS v ON v.person_id = m.person_id
                GROUP BY project, value, m.cohort_words, m.return_words
            ) AS s
            ARRAY JOIN s.member_of AS cohort
            ARRAY JOIN s.returned AS i
            WHERE {cumulative:Bool} OR i = -1 OR i > cohort AND i < cohort + toInt32({periods:UInt16})
            GROUP BY project, value, cohort, reached
        ) AS r
        ARRAY JOIN if({cumulative:Bool}, range(toUInt32(r.reached + 1)), [toUInt32(r.reached)]) AS period
        GROUP BY project, value, cell
    ),
    ranked AS
    (
        SELECT
            t.project AS project,
            t.cell AS cell,
            t.n AS n,
            if(dense_rank() OVER (PARTITION BY t.project ORDER BY t.total DESC, t.value) <= {top:UInt64}, t.value, 'Other') AS breakdown
        FROM
        (
            SELECT *, sumIf(n, cell % greatest(1, {periods:UInt16}) = 0) OVER (PARTITION BY project, value) AS total
            FROM counts
        ) AS t
    ),
    groups AS
    (
        SELECT
            r.project AS project,
            r.breakdown AS breakdown,
            arrayResize(groupArrayInsertAt(0)(r.persons, r.cell), cell_count, 0) AS persons_at
        FROM
        (
            SELECT project, breakdown, cell, sum(n) AS persons
            FROM ranked
            GROUP BY project, breakdown, cell
        ) AS r
        GROUP BY project, breakdown
    )
SELECT
    g.project AS project,
    g.breakdown AS breakdown,
    multiIf(
        unit = 'month', addMonths(toStartOfMonth(from_day), cohort),
        unit = 'week', toMonday(from_day) + 7 * cohort,
        from_day + cohort
    ) AS cohort_date,
    toInt64(intDiv(place - 1, greatest(1, {periods:UInt16}))) AS cohort,
    toInt64((place - 1) % greatest(1, {periods:UInt16})) AS period,
    g.persons_at[place] AS persons,
    g.persons_at[cohort * {periods:UInt16} + 1] AS cohort_size,
    toBool(cohort + period < dateDiff(unit, from_day, a.as_of_day)) AS complete,
    if(complete AND cohort_size > 0, persons / cohort_size, NULL) AS rate
FROM groups AS g
INNER JOIN touchline.asked_days(project = {project:String}, as_of = {as_of:DateTime64(3, 'UTC')}) AS a ON a.project = g.project
ARRAY JOIN arrayEnumerate(g.persons_at) AS place
WHERE (SELECT ok FROM touchline.good_top(top = {top:UInt64}))
ORDER BY project, breakdown, cohort, period
-- The caller's own setting would turn persons without a value into NULL.
SETTINGS join_use_nulls = 0
COMMENT '${comment}'
