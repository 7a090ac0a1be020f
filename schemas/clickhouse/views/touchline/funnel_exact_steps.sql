-- What analytics.funnel_exact shows, with steps and exclusions that are names of events
-- (on = 'event') or canonical kinds (on = 'kind').
CREATE OR REPLACE VIEW touchline.funnel_exact_steps AS
WITH length({steps:Array(String)}) AS step_count
SELECT
    every_step.project AS project,
    every_step.step AS step,
    {steps:Array(String)}[step] AS event,
    persons_at[1] AS entered,
    persons_at[step] AS persons,
    if(step < step_count, persons_at[step + 1], persons_at[step]) AS converted,
    pending_at[step] AS pending,
    persons - converted - pending AS dropped,
    if(persons_at[1] = 0, 0, persons_at[step] / persons_at[1]) AS conversion_total,
    if(persons_at[greatest(step - 1, 1)] = 0, 0, persons_at[step] / persons_at[greatest(step - 1, 1)]) AS conversion_step,
    if(persons_at[step] = 0, 0, from_previous[step - 1][1]) AS median_seconds,
    if(persons_at[step] = 0, 0, from_previous[step - 1][2]) AS p75_seconds,
    if(persons_at[step] = 0, 0, from_previous[step - 1][3]) AS p90_seconds,
    if(persons_at[step] = 0, 0, from_first[step - 1][1]) AS median_seconds_from_first,
    if(persons_at[step] = 0, 0, from_first[step - 1][2]) AS p75_seconds_from_first,
    if(persons_at[step] = 0, 0, from_first[step - 1][3]) AS p90_seconds_from_first
FROM
(
    SELECT
        project,
        toInt64(arrayJoin(range(1, step_count + 1))) AS step
    FROM touchline.asked_projects(project = {project:String})
) AS every_step
LEFT JOIN
(
    SELECT
        project,
        arrayResize(sumForEach(arrayWithConstant(level, toInt64(1))), step_count, 0) AS persons_at,
        arrayResize(sumForEach(arrayPushBack(
            arrayWithConstant(level - 1, toInt64(0)),
            toInt64(level < step_count
                AND last_entry + toInt64({window_seconds:UInt64}) * 1000 >= toUnixTimestamp64Milli({as_of:DateTime64(3, 'UTC')}))
        )), step_count, 0) AS pending_at,
        quantilesExactInclusiveForEach(0.5, 0.75, 0.9)(arrayMap(ms -> ms / 1000., arrayPopFront(arrayDifference(times)))) AS from_previous,
        quantilesExactInclusiveForEach(0.5, 0.75, 0.9)(arrayMap(at -> (at - times[1]) / 1000., arrayPopFront(times))) AS from_first
    FROM
    (
        SELECT project, level, last_entry, times
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
        WHERE {mode:String} = 'ordered'
          AND person_id NOT IN (
              SELECT person_id
              FROM touchline.funnel_excluded(
                  project = {project:String},
                  on = {on:String},
                  steps = {steps:Array(String)},
                  exclude = {exclude:Array(String)},
                  window_seconds = {window_seconds:UInt64},
                  from = {from:DateTime64(3, 'UTC')},
                  to = {to:DateTime64(3, 'UTC')}))
        UNION ALL
        SELECT project, level, last_entry, times
        FROM touchline.funnel_persons_exact(
            project = {project:String},
            on = {on:String},
            mode = {mode:String},
            steps = {steps:Array(String)},
            exclude = {exclude:Array(String)},
            exclude_from = {exclude_from:Array(UInt8)},
            exclude_to = {exclude_to:Array(UInt8)},
            window_seconds = {window_seconds:UInt64},
            from = {from:DateTime64(3, 'UTC')},
            to = {to:DateTime64(3, 'UTC')})
        WHERE level > 0
        UNION ALL
        SELECT project, level, last_entry, times
        FROM touchline.funnel_persons_unordered(
            project = {project:String},
            on = {on:String},
            mode = {mode:String},
            steps = {steps:Array(String)},
            exclude = {exclude:Array(String)},
            window_seconds = {window_seconds:UInt64},
            from = {from:DateTime64(3, 'UTC')},
            to = {to:DateTime64(3, 'UTC')})
    )
    WHERE (SELECT ok FROM touchline.good_funnel_exact(
            mode = {mode:String},
            steps = {steps:Array(String)},
            exclude = {exclude:Array(String)},
            exclude_from = {exclude_from:Array(UInt8)},
            exclude_to = {exclude_to:Array(UInt8)}))
    GROUP BY project
) AS total ON total.project = every_step.project
-- The caller's own setting would turn nobody into NULL.
SETTINGS join_use_nulls = 0
