-- What analytics.funnel_breakdown shows, with steps that are names of events
-- (on = 'event') or canonical kinds (on = 'kind').
--
-- Groups are arrays with a place for each step, as in touchline.funnel_steps. They are
-- counted before they are ranked, and those beyond the top merged afterwards, so that
-- persons are computed once. Of groups that as many entered with the smaller text comes
-- first; '(not set)' and '(not reached)' stand by themselves and take no place of the top.
CREATE OR REPLACE VIEW touchline.funnel_breakdown_steps AS
SELECT
    project,
    breakdown,
    toInt64(step) AS step,
    {steps:Array(String)}[step] AS event,
    persons_at[1] AS entered,
    persons_at[step] AS persons,
    if(step < length(persons_at), persons_at[step + 1], persons_at[step]) AS converted,
    pending_at[step] AS pending,
    persons - converted - pending AS dropped,
    persons / persons_at[1] AS conversion_total,
    if(persons_at[greatest(step - 1, 1)] = 0, 0, persons_at[step] / persons_at[greatest(step - 1, 1)]) AS conversion_step,
    from_previous[step - 1][1] AS median_seconds,
    from_previous[step - 1][2] AS p75_seconds,
    from_previous[step - 1][3] AS p90_seconds,
    from_first[step - 1][1] AS median_seconds_from_first,
    from_first[step - 1][2] AS p75_seconds_from_first,
    from_first[step - 1][3] AS p90_seconds_from_first,
    toBool({attribution:String} != 'all') AS additive
FROM
(
    SELECT
        project,
        multiIf(special, group_value, position <= {top:UInt64}, group_value, 'Other') AS breakdown,
        length({steps:Array(String)}) AS step_count,
        arrayResize(sumForEach(persons_at), step_count, 0) AS persons_at,
        arrayResize(sumForEach(pending_at), step_count, 0) AS pending_at,
        quantilesExactInclusiveForEachMerge(0.5, 0.75, 0.9)(previous_state) AS from_previous,
        quantilesExactInclusiveForEachMerge(0.5, 0.75, 0.9)(first_state) AS from_first
    FROM
    (
        SELECT
            project,
            if(value = '', '(not set)', value) AS group_value,
            group_value IN ('(not set)', '(not reached)') AS special,
            sumForEach(arrayWithConstant(level, toInt64(1))) AS persons_at,
            sumForEach(arrayMap(k -> toInt64(k = level AND open), range(1, level + 1))) AS pending_at,
            quantilesExactInclusiveForEachState(0.5, 0.75, 0.9)(arrayMap(ms -> ms / 1000., arrayPopFront(arrayDifference(times)))) AS previous_state,
            quantilesExactInclusiveForEachState(0.5, 0.75, 0.9)(arrayMap(at -> (at - times[1]) / 1000., arrayPopFront(times))) AS first_state,
            row_number() OVER (PARTITION BY project, special ORDER BY persons_at[1] DESC, group_value) AS position
        FROM
        (
            SELECT
                project,
                value,
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
                by = if({by:String} LIKE 'properties._%', 'event', {by:String}),
                property = if({by:String} LIKE 'properties._%', substring({by:String}, 12), ''),
                attribution = if({attribution:String} IN ('first', 'last', 'step', 'all'), {attribution:String}, 'attribution: want first, last, step or all'),
                attribution_step = {attribution_step:UInt8})
        )
        WHERE (SELECT ok FROM touchline.good_top(top = {top:UInt64}))
        GROUP BY project, group_value
    )
    GROUP BY project, breakdown
)
ARRAY JOIN arrayEnumerate(persons_at) AS step
