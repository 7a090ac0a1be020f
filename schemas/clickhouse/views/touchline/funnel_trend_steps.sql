-- What analytics.funnel_trend shows, with steps that are names of events
-- (on = 'event') or canonical kinds (on = 'kind').
CREATE OR REPLACE VIEW touchline.funnel_trend_steps AS
SELECT
    project,
    entry_date,
    toInt64(step) AS step,
    {steps:Array(String)}[step] AS event,
    persons_at[1] AS entered,
    persons_at[step] AS persons,
    if(step < step_count, persons_at[step + 1], persons_at[step]) AS converted,
    pending_at[step] AS pending,
    persons - converted - pending AS dropped,
    persons / persons_at[1] AS conversion_total,
    if(persons_at[greatest(step - 1, 1)] = 0, 0, persons_at[step] / persons_at[greatest(step - 1, 1)]) AS conversion_step,
    median_of[step - 1] AS median_seconds,
    toBool(toDateTime64(
        multiIf({granularity:String} = 'day', entry_date + 1, {granularity:String} = 'week', entry_date + 7, addMonths(entry_date, 1)),
        3, 'UTC') + INTERVAL 12 HOUR + toIntervalSecond({window_seconds:UInt64}) < {as_of:DateTime64(3, 'UTC')}) AS complete
FROM
(
    SELECT
        project,
        multiIf({granularity:String} = 'day', entry_day, {granularity:String} = 'week', toMonday(entry_day), toStartOfMonth(entry_day)) AS entry_date,
        length({steps:Array(String)}) AS step_count,
        arrayResize(sumForEach(arrayWithConstant(level, toInt64(1))), step_count, 0) AS persons_at,
        arrayResize(sumForEach(arrayPushBack(
            arrayWithConstant(level - 1, toInt64(0)),
            toInt64(open)
        )), step_count, 0) AS pending_at,
        quantileExactInclusiveForEach(0.5)(arrayMap(ms -> ms / 1000., arrayPopFront(arrayDifference(times)))) AS median_of
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
    WHERE (SELECT ok FROM touchline.good_trend(granularity = {granularity:String}))
    GROUP BY project, entry_date
)
ARRAY JOIN arrayEnumerate(persons_at) AS step
