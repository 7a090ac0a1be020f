-- A funnel of everybody: what analytics.funnel shows, with steps that are names of
-- events (on = 'event') or canonical kinds (on = 'kind'). A project where nobody
-- entered has its rows too.
--
-- Each person is an array of ones, as long as their level; adding the arrays up place by
-- place counts the persons at each step without a row per person and step. Nobody, whom
-- each project has, is an empty one: cheaper to plan than a join.
CREATE OR REPLACE VIEW touchline.funnel_steps AS
SELECT
    project,
    toInt64(step) AS step,
    {steps:Array(String)}[step] AS event,
    persons_at[1] AS entered,
    persons_at[step] AS persons,
    if(step < length(persons_at), persons_at[step + 1], persons_at[step]) AS converted,
    pending_at[step] AS pending,
    persons - converted - pending AS dropped,
    if(persons_at[1] = 0, 0, persons_at[step] / persons_at[1]) AS conversion_total,
    if(persons_at[greatest(step - 1, 1)] = 0, 0, persons_at[step] / persons_at[greatest(step - 1, 1)]) AS conversion_step,
    from_previous[step - 1][1] AS median_seconds,
    from_previous[step - 1][2] AS p75_seconds,
    from_previous[step - 1][3] AS p90_seconds,
    from_first[step - 1][1] AS median_seconds_from_first,
    from_first[step - 1][2] AS p75_seconds_from_first,
    from_first[step - 1][3] AS p90_seconds_from_first
FROM
(
    SELECT
        project,
        length({steps:Array(String)}) AS step_count,
        arrayResize(sumForEach(arrayWithConstant(level, toInt64(1))), step_count, 0) AS persons_at,
        arrayResize(sumForEach(arrayMap(k -> toInt64(k = level AND open), range(1, level + 1))), step_count, 0) AS pending_at,
        quantilesExactInclusiveForEach(0.5, 0.75, 0.9)(arrayMap(ms -> ms / 1000., arrayPopFront(arrayDifference(times)))) AS from_previous,
        quantilesExactInclusiveForEach(0.5, 0.75, 0.9)(arrayMap(at -> (at - times[1]) / 1000., arrayPopFront(times))) AS from_first
    FROM
    (
        SELECT
            project,
            level,
            open,
            times
        FROM touchline.funnel_persons(
            project = {project:String},
            on = {on:String},
            steps = {steps:Array(String)},
            window_seconds = {window_seconds:UInt64},
            from = {from:DateTime64(3, 'UTC')},
            to = {to:DateTime64(3, 'UTC')},
            as_of = {as_of:DateTime64(3, 'UTC')},
            by = 'event',
            property = '',
            attribution = 'everybody',
            attribution_step = 1)
        UNION ALL
        SELECT
            project,
            toInt64(0) AS level,
            false AS open,
            emptyArrayInt64() AS times
        FROM touchline.asked_projects(project = {project:String})
    )
    GROUP BY project
)
ARRAY JOIN arrayEnumerate(persons_at) AS step
