-- A funnel of everybody: what analytics.funnel shows, with steps that are names of
-- events (on = 'event') or canonical kinds (on = 'kind'). A project where nobody
-- entered has its rows too.
CREATE OR REPLACE VIEW touchline.funnel_steps AS
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
LEFT JOIN touchline.funnel_groups(
    project = {project:String},
    on = {on:String},
    steps = {steps:Array(String)},
    window_seconds = {window_seconds:UInt64},
    from = {from:DateTime64(3, 'UTC')},
    to = {to:DateTime64(3, 'UTC')},
    as_of = {as_of:DateTime64(3, 'UTC')},
    by = 'project',
    attribution = 'everybody',
    attribution_step = 1,
    top = 1) AS total ON total.project = every_step.project
-- The caller's own setting would turn nobody into NULL.
SETTINGS join_use_nulls = 0
