-- The rows of time_to_value, for names out of the column `match` of
-- touchline.events.
CREATE OR REPLACE VIEW touchline.value_times AS
WITH
    toInt64({window_seconds:UInt64}) * 1000 AS window_ms,
    [{sign_up:String}, {activation:String}, {sign_up:String}] AS from_events,
    [{activation:String}, {first_use:String}, {first_use:String}] AS to_events,
    -- Bucket i takes the times from bounds[i] to before bounds[i + 1]: 1, 5 and 15
    -- minutes, 1 and 6 hours, 1, 3, 7, 14 and 30 days.
    CAST([0, 60, 300, 900, 3600, 21600, 86400, 259200, 604800, 1209600, 2592000] AS Array(Int64)) AS bounds,
    legs AS
    (
        SELECT
            p.project AS project,
            leg.1 AS number,
            toInt64(count()) AS entered,
            toInt64(countIf(leg.3 > 0)) AS reached,
            toInt64(countIf(leg.3 = 0 AND p.signed_up + window_ms >= toUnixTimestamp64Milli({as_of:DateTime64(3, 'UTC')}))) AS pending,
            quantileExactInclusiveIf(0.5)((leg.3 - leg.2) / 1000., leg.3 > 0) AS median,
            sumForEachIf(arrayMap(
                i -> toInt64(leg.3 - leg.2 >= bounds[i] * 1000 AND (i = length(bounds) OR leg.3 - leg.2 < bounds[i + 1] * 1000)),
                arrayEnumerate(bounds)), leg.3 > 0) AS persons
        FROM touchline.value_persons(
            match = {match:String},
            project = {project:String},
            sign_up = {sign_up:String},
            activation = {activation:String},
            first_use = {first_use:String},
            window_seconds = {window_seconds:UInt64},
            from = {from:DateTime64(3, 'UTC')},
            to = {to:DateTime64(3, 'UTC')}) AS p
        ARRAY JOIN [(1, p.signed_up, p.activated), (2, p.activated, p.used), (3, p.signed_up, p.used)] AS leg
        WHERE leg.2 > 0
        GROUP BY project, number
    )
SELECT
    c.project AS project,
    toInt64(c.number) AS leg,
    from_events[c.number] AS from_event,
    to_events[c.number] AS to_event,
    toInt64(c.bucket) AS bucket,
    bounds[c.bucket] AS from_seconds,
    if(c.bucket = length(bounds), NULL, bounds[c.bucket + 1]) AS to_seconds,
    l.persons[c.bucket] AS persons,
    l.entered AS entered,
    l.reached AS reached,
    l.pending AS pending,
    l.entered - l.reached - l.pending AS dropped,
    if(l.reached = 0, NULL, l.median) AS median_seconds
FROM
(
    SELECT project, toUInt8(1 + intDiv(cell, 11)) AS number, toUInt8(1 + cell % 11) AS bucket
    FROM touchline.asked_days(project = {project:String}, as_of = {as_of:DateTime64(3, 'UTC')})
    ARRAY JOIN range(33) AS cell
) AS c
LEFT JOIN legs AS l ON l.project = c.project AND l.number = c.number
ORDER BY project, leg, bucket
-- The caller's own setting would turn nobody into NULL.
SETTINGS join_use_nulls = 0
