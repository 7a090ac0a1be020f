-- What analytics.funnel_actors shows, with steps that are names of events (on = 'event') or
-- canonical kinds (on = 'kind').
CREATE OR REPLACE VIEW touchline.funnel_actor_rows AS
WITH length({steps:Array(String)}) AS step_count
SELECT
    project,
    leftPad(hex(person_id), 16, '0') AS person_id,
    p.level AS level,
    {steps:Array(String)}[p.level] AS event,
    multiIf(
        p.level = step_count, 'converted',
        open, 'pending',
        'dropped') AS outcome,
    fromUnixTimestamp64Milli(times[1], 'UTC') AS entered_at,
    fromUnixTimestamp64Milli(times[-1], 'UTC') AS reached_at,
    (times[-1] - times[1]) / 1000. AS seconds,
    entry_day AS day
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
    attribution_step = 1) AS p
