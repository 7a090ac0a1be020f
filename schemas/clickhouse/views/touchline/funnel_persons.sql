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
--   entry_day   day of times[1] in the zone of the project
--   value       value of the column by that is the person's, '' = not set:
--                 first, last  the earliest or latest that is set, of the events of
--                              the steps; of simultaneous ones by the place in the log
--                 step         that of the event that took step attribution_step
--                 all          each value is followed by itself, so that a person has
--                              a row for each
--                 everybody    none
--
-- Steps are names of events with on = 'event', canonical kinds with on = 'kind'.
--
-- windowFunnel gives the level, and is fast because it looks at each event once;
-- it gives no times, so they are worked out from arrays, only for persons who got
-- beyond step 1:
--
--   times_of[k]  all times of step k, ascending. Until there are persons to tell apart,
--                an event is one number, ms * 16 + step: an array of pairs costs half
--                as much again as all the rest
--   entry(T)     walk back from a time T of the last step: the latest time of the
--                step before that is not after it, and so on, down to step 1. That
--                is the latest entry from which T can be reached.
--   The first T whose entry lies within the window is the completion; from its
--   entry, walk forward: the earliest time of each next step.
--
-- Where steps has fewer than 10 members, steps[k] is '' and matches no event.
-- A column that the caller leaves out is not computed, and what only it needs is not
-- read.
CREATE OR REPLACE VIEW touchline.funnel_persons AS
WITH
    toInt64({window_seconds:UInt64}) * 1000 AS window_ms,
    bitShiftLeft(toUInt128(toUInt64(e.ms)), 80)
        + bitShiftLeft(toUInt128(e.src_partition), 64)
        + toUInt128(e.src_offset) AS place,
    arrayMap(
        completed -> if(
            (arrayFold(
                (reached, times) -> arrayLast(t -> t <= reached, times),
                arrayReverse(arrayPopBack(times_of)),
                completed
            ) AS entry) > 0 AND completed - entry <= window_ms,
            entry,
            0),
        times_of[-1]
    ) AS entries
SELECT
    project,
    person_id,
    level,
    last_entry,
    times,
    entry_day,
    {attribution:Identifier} AS value
FROM
(
SELECT
    project,
    person_id,
    toInt64(reached_step) AS level,
    last_entry,
    if(
        reached_step = 1,
        [first_entry],
        arrayFold(
            (path, times) -> arrayPushBack(path, arrayFirst(t -> t >= path[-1], times)),
            arrayPopFront(times_of),
            [arrayFirst(entry -> entry > 0, entries)]
        )
    ) AS times,
    arrayFirst(entry -> entry.1 = times[1], entry_days).2 AS entry_day,
    first,
    last,
    '' AS everybody,
    part AS `all`,
    if(
        reached_step < {attribution_step:UInt8},
        '(not reached)',
        arraySort(arrayFilter(taken -> taken.1 = times[{attribution_step:UInt8}], step_values))[1].3
    ) AS step
FROM
(
    SELECT
        if({project:String} = '*', toString(any(e.project)), {project:String}) AS project,
        e.person_id AS person_id,
        if({attribution:String} = 'all', toString(e.{by:Identifier}), '') AS part,
        windowFunnel({window_seconds:UInt64} * 1000)(
            toUInt64(e.ms),
            e.{on:Identifier} = {steps:Array(String)}[1],
            e.{on:Identifier} = {steps:Array(String)}[2],
            e.{on:Identifier} = {steps:Array(String)}[3],
            e.{on:Identifier} = {steps:Array(String)}[4],
            e.{on:Identifier} = {steps:Array(String)}[5],
            e.{on:Identifier} = {steps:Array(String)}[6],
            e.{on:Identifier} = {steps:Array(String)}[7],
            e.{on:Identifier} = {steps:Array(String)}[8],
            e.{on:Identifier} = {steps:Array(String)}[9],
            e.{on:Identifier} = {steps:Array(String)}[10]
        ) AS reached_step,
        minIf(e.ms, e.{on:Identifier} = {steps:Array(String)}[1]) AS first_entry,
        maxIf(e.ms, e.{on:Identifier} = {steps:Array(String)}[1]) AS last_entry,
        groupArray(toInt64(e.ms * 16 + indexOf({steps:Array(String)}, e.{on:Identifier}))) AS hits,
        if(
            reached_step < 2,
            CAST([] AS Array(Array(Int64))),
            arrayMap(
                k -> arraySort(arrayMap(hit -> bitShiftRight(hit, 4), arrayFilter(hit -> bitAnd(hit, 15) = k, hits))),
                range(1, toUInt32(reached_step) + 1))
        ) AS times_of,
        groupUniqArrayIf((e.ms, e.day), e.{on:Identifier} = {steps:Array(String)}[1]) AS entry_days,
        argMinIf(toString(e.{by:Identifier}), place, e.{by:Identifier} != '') AS first,
        argMaxIf(toString(e.{by:Identifier}), place, e.{by:Identifier} != '') AS last,
        groupArrayIf(
            (e.ms, place, toString(e.{by:Identifier})),
            e.{on:Identifier} = {steps:Array(String)}[{attribution_step:UInt8}]
        ) AS step_values
    FROM touchline.events AS e
    WHERE ({project:String} = '*' OR e.project = {project:String})
      AND (SELECT ok FROM touchline.allowed(project = {project:String}))
      AND (SELECT ok FROM touchline.good_funnel(
              steps = {steps:Array(String)},
              window_seconds = {window_seconds:UInt64},
              from = {from:DateTime64(3, 'UTC')},
              to = {to:DateTime64(3, 'UTC')}))
      AND (SELECT ok FROM touchline.good_attribution(
              steps = {steps:Array(String)},
              attribution = {attribution:String},
              attribution_step = {attribution_step:UInt8}))
      AND e.{on:Identifier} IN {steps:Array(String)}
      AND e.event_time >= {from:DateTime64(3, 'UTC')}
      AND e.event_time < {to:DateTime64(3, 'UTC')} + toIntervalSecond({window_seconds:UInt64})
      AND (e.{on:Identifier} != {steps:Array(String)}[1] OR e.event_time < {to:DateTime64(3, 'UTC')})
    GROUP BY person_id, part
)
WHERE reached_step > 0
)
