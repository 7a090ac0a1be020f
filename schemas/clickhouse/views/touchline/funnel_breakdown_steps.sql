-- What analytics.funnel_breakdown shows, with steps that are names of events
-- (on = 'event') or canonical kinds (on = 'kind').
CREATE OR REPLACE VIEW touchline.funnel_breakdown_steps AS
SELECT
    groups.project AS project,
    groups.value AS breakdown,
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
FROM touchline.funnel_groups(
    project = {project:String},
    on = {on:String},
    steps = {steps:Array(String)},
    window_seconds = {window_seconds:UInt64},
    from = {from:DateTime64(3, 'UTC')},
    to = {to:DateTime64(3, 'UTC')},
    as_of = {as_of:DateTime64(3, 'UTC')},
    by = {by:String},
    attribution = {attribution:String},
    attribution_step = {attribution_step:UInt8},
    top = {top:UInt64}) AS groups
ARRAY JOIN arrayEnumerate(persons_at) AS step
