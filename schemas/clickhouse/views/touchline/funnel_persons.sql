-- How far each person came in an ordered funnel: the shared core of the funnel
-- views. One row for each person who did step 1.
--
-- The rule: steps in order, other events in between do not matter. Doing step 1
-- again starts a new attempt; an attempt has window_seconds, inclusive, from its
-- step 1. Events at the same millisecond count in the order of the steps. Step 1
-- counts in [from, to), later steps up to to + window_seconds.
--
--   level       highest step reached in any attempt
--   last_entry  time of the latest step 1, ms: until last_entry + window the level
--               may still rise
--   times       time of each step of the first attempt that reached level, ms
--   open        whether it may: the window is open at as_of, and steps are left
--   entry_day   day of times[1] in the zone of the project
--   value       the value of by that is the person's, '' = not set:
--                 first, last  the earliest or latest that is set, of the events of
--                              the steps; of simultaneous ones by the place in the log
--                 step         that of the event that took step attribution_step
--                 all          each value is followed by itself, so that a person has
--                              a row for each
--                 everybody    none
--
-- Steps are names of events with on = 'event', canonical kinds with on = 'kind'. A value
-- is that of the column by of touchline.events, or, where property is not '', that of
-- the property of this name: of a JSON string what it says, of anything else its JSON.
-- The condition folds, so that properties are read for nobody else. The events are
-- called by, and asked for the column first, so that the error about an unknown one
-- names the parameter: Identifier 'by.nothing' cannot be resolved.
--
-- How: an event is one number, ms * 16 + step, and a person the sorted array of them
-- (hits). Beside it, for each step k, an array of the same length says which attempt is
-- the latest that has come to step k by then:
--
--   at_k[i]  time of its step 1, 0 = none. An event of step k takes the attempt at
--            step k - 1 on, if its window is open; arrayFill carries it forward.
--
-- A later attempt is never worse than an earlier one, so the latest will do. The person's
-- path is the attempt of the first at_k > 0 of the last step reached; it came to step k
-- where at_k shows it first.
--
-- Where steps has fewer than 10 members, the arrays beyond are empty and fold away. A
-- column that the caller leaves out is not computed, and what only it needs is not read.
-- windowFunnel gives the same level, but no times, and takes twice the time.
CREATE OR REPLACE VIEW touchline.funnel_persons AS
WITH
    toInt64({window_seconds:UInt64}) * 1000 AS window_ms,
    length({steps:Array(String)}) AS step_count,
    bitShiftLeft(toUInt128(toUInt64(ms)), 80)
        + bitShiftLeft(toUInt128(src_partition), 64)
        + toUInt128(src_offset) AS place,
    if(
        {property:String} = '',
        toString(by.{by:Identifier}),
        multiIf(
            JSONType(properties, {property:String}) = 'String', JSONExtractString(properties, {property:String}),
            JSONType(properties, {property:String}) = 'Null', '',
            JSONExtractRaw(properties, {property:String}))
    ) AS value_of,
    (hits, before, k) -> if(
        step_count < k,
        emptyArrayInt64(),
        arrayFill(
            entry -> entry > 0,
            arrayMap(
                (hit, entry) -> if(
                    bitAnd(hit, 15) = k AND entry > 0 AND bitShiftRight(hit, 4) - entry <= window_ms,
                    entry,
                    toInt64(0)),
                hits, before))
    ) AS reach
SELECT
    project,
    person_id,
    level,
    last_entry,
    times,
    level < step_count AND last_entry + window_ms >= toUnixTimestamp64Milli({as_of:DateTime64(3, 'UTC')}) AS open,
    toDate(fromUnixTimestamp64Milli(times[1], 'UTC'))
        + bitAnd(arrayFirst(entry -> bitShiftRight(entry, 2) = times[1], entry_days), 3) - 1 AS entry_day,
    {attribution:Identifier} AS value
FROM
(
SELECT
    project,
    person_id,
    toInt64((at_1[-1] > 0) + (at_2[-1] > 0) + (at_3[-1] > 0) + (at_4[-1] > 0) + (at_5[-1] > 0)
        + (at_6[-1] > 0) + (at_7[-1] > 0) + (at_8[-1] > 0) + (at_9[-1] > 0) + (at_10[-1] > 0)) AS level,
    at_1[-1] AS last_entry,
    arraySlice([at_1, at_2, at_3, at_4, at_5, at_6, at_7, at_8, at_9, at_10], 1, level) AS at,
    arrayFirst(entry -> entry > 0, at[-1]) AS best,
    arrayMap(entries -> bitShiftRight(hits[indexOf(entries, best)], 4), at) AS times,
    entry_days,
    first,
    last,
    '' AS everybody,
    part AS `all`,
    if(
        level < {attribution_step:UInt8},
        '(not reached)',
        arraySort(arrayFilter(taken -> taken.1 = times[{attribution_step:UInt8}], step_values))[1].3
    ) AS step
FROM
(
    SELECT
        any(by.{by:Identifier}) AS known,
        if({project:String} = '*', toString(any(by.project)), {project:String}) AS project,
        person_id,
        if({attribution:String} = 'all', value_of, '') AS part,
        arraySort(groupArray(toInt64(ms * 16 + indexOf({steps:Array(String)}, by.{on:Identifier})))) AS hits,
        arrayFill(
            entry -> entry > 0,
            arrayMap(hit -> if(bitAnd(hit, 15) = 1, bitShiftRight(hit, 4), toInt64(0)), hits)) AS at_1,
        reach(hits, at_1, 2) AS at_2,
        reach(hits, at_2, 3) AS at_3,
        reach(hits, at_3, 4) AS at_4,
        reach(hits, at_4, 5) AS at_5,
        reach(hits, at_5, 6) AS at_6,
        reach(hits, at_6, 7) AS at_7,
        reach(hits, at_7, 8) AS at_8,
        reach(hits, at_8, 9) AS at_9,
        reach(hits, at_9, 10) AS at_10,
        groupArrayIf(
            ms * 4 + 1 + (day - toDate(event_time)),
            by.{on:Identifier} = {steps:Array(String)}[1]
        ) AS entry_days,
        argMinIf(value_of, place, value_of != '') AS first,
        argMaxIf(value_of, place, value_of != '') AS last,
        groupArrayIf(
            (ms, place, value_of),
            by.{on:Identifier} = {steps:Array(String)}[{attribution_step:UInt8}]
        ) AS step_values
    FROM touchline.events AS by
    WHERE ({project:String} = '*' OR by.project = {project:String})
      AND (SELECT ok FROM touchline.allowed(project = {project:String}))
      AND (SELECT ok FROM touchline.good_funnel(
              steps = {steps:Array(String)},
              window_seconds = {window_seconds:UInt64},
              from = {from:DateTime64(3, 'UTC')},
              to = {to:DateTime64(3, 'UTC')},
              as_of = {as_of:DateTime64(3, 'UTC')}))
      AND (SELECT ok FROM touchline.good_attribution(
              steps = {steps:Array(String)},
              attribution = {attribution:String},
              attribution_step = {attribution_step:UInt8}))
      AND by.{on:Identifier} IN {steps:Array(String)}
      AND event_time >= {from:DateTime64(3, 'UTC')}
      AND event_time < {to:DateTime64(3, 'UTC')} + toIntervalSecond({window_seconds:UInt64})
      AND (by.{on:Identifier} != {steps:Array(String)}[1] OR event_time < {to:DateTime64(3, 'UTC')})
    GROUP BY person_id, part
)
WHERE last_entry > 0
)
