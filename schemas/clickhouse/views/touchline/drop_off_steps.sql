-- What analytics.drop_off shows, with steps that are names of events (on = 'event') or
-- canonical kinds (on = 'kind').
CREATE OR REPLACE VIEW touchline.drop_off_steps AS
WITH length({steps:Array(String)}) AS step_count
SELECT
    project,
    shown AS breakdown,
    toInt64(step) AS step,
    {steps:Array(String)}[step] AS event,
    arraySum(arraySlice(at_level, step)) AS persons,
    at_level[step] - open_at[step] AS dropped,
    open_at[step] AS pending,
    if(persons = 0, 0, dropped / persons) AS drop_rate,
    if(dropped = 0, 0, spent[step][1]) AS median_seconds,
    if(dropped = 0, 0, spent[step][2]) AS p75_seconds,
    if(dropped = 0, 0, spent[step][3]) AS p90_seconds
FROM
(
    SELECT
        project,
        multiIf(special, group_value, position <= {top:UInt64}, group_value, 'Other') AS shown,
        sumForEach(at_level) AS at_level,
        sumForEach(open_at) AS open_at,
        quantilesExactInclusiveIfForEachMerge(0.5, 0.75, 0.9)(spent_state) AS spent
    FROM
    (
        SELECT
            project,
            group_value,
            group_value IN ('(not set)', '(not reached)') AS special,
            row_number() OVER (PARTITION BY project, special ORDER BY arraySum(at_level) DESC, group_value) AS position,
            at_level,
            open_at,
            spent_state
        FROM
        (
            SELECT
                project,
                if(value = '', '(not set)', value) AS group_value,
                sumForEach(arrayMap(k -> toInt64(k = level), every_step)) AS at_level,
                sumForEach(arrayMap(k -> toInt64(k = level AND open), every_step)) AS open_at,
                quantilesExactInclusiveIfForEachState(0.5, 0.75, 0.9)(
                    arrayMap(k -> seconds, every_step),
                    arrayMap(k -> k = level AND NOT open, every_step)) AS spent_state
            FROM
            (
                SELECT
                    project,
                    value,
                    level,
                    range(1, step_count + 1) AS every_step,
                    (times[-1] - times[1]) / 1000. AS seconds,
                    open
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
                    attribution = 'last',
                    attribution_step = 1)
                WHERE (SELECT ok FROM touchline.good_top(top = {top:UInt64}))
            )
            GROUP BY project, group_value
        )
    )
    GROUP BY project, shown
)
ARRAY JOIN range(1, step_count) AS step
