-- How far each person came in an ordered funnel: the shared core of the funnel
-- views. One row for each person who did step 1.
--
-- The rule: steps in order, other events in between do not matter. Doing step 1
-- again starts a new attempt; an attempt has window_seconds, inclusive, from its
-- step 1. Events at the same millisecond count in the order of the steps. Step 1
-- counts in [from, to), later steps up to to + window_seconds. Bots are left out.
--
--   level       highest step reached in any attempt
--   last_entry  time of the latest step 1, ms: until last_entry + window the level
--               may still rise
--   times       time of each step of the first attempt that reached level, ms
--
-- windowFunnel gives the level, and is fast because it looks at each event once;
-- it gives no times, so they are worked out from arrays, only for persons who got
-- beyond step 1:
--
--   times_of[k]  all times of step k, ascending
--   entry(T)     walk back from a time T of the last step: the latest time of the
--                step before that is not after it, and so on, down to step 1. That
--                is the latest entry from which T can be reached.
--   The first T whose entry lies within the window is the completion; from its
--   entry, walk forward: the earliest time of each next step.
--
-- Where steps has fewer than 10 members, steps[k] is '' and matches no event.
CREATE OR REPLACE VIEW touchline.funnel_persons AS
WITH
    toInt64({window_seconds:UInt64}) * 1000 AS window_ms,
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
    ) AS times
FROM
(
    SELECT
        dictGetOrDefault('touchline.person_map', 'new_id', t.person_id, t.person_id) AS person_id,
        windowFunnel({window_seconds:UInt64} * 1000)(
            toUInt64(toUnixTimestamp64Milli(event_time)),
            event = {steps:Array(String)}[1],
            event = {steps:Array(String)}[2],
            event = {steps:Array(String)}[3],
            event = {steps:Array(String)}[4],
            event = {steps:Array(String)}[5],
            event = {steps:Array(String)}[6],
            event = {steps:Array(String)}[7],
            event = {steps:Array(String)}[8],
            event = {steps:Array(String)}[9],
            event = {steps:Array(String)}[10]
        ) AS reached_step,
        minIf(toUnixTimestamp64Milli(event_time), event = {steps:Array(String)}[1]) AS first_entry,
        maxIf(toUnixTimestamp64Milli(event_time), event = {steps:Array(String)}[1]) AS last_entry,
        arraySort(groupArray((toUnixTimestamp64Milli(event_time), toInt8(indexOf({steps:Array(String)}, event))))) AS hits,
        if(
            reached_step < 2,
            CAST([] AS Array(Array(Int64))),
            arrayMap(
                k -> arrayFilter((t, step) -> step = k, hits.1, hits.2),
                range(1, toUInt32(reached_step) + 1))
        ) AS times_of
    FROM touchline.touchpoints AS t
    WHERE project = {project:String}
      AND (SELECT ok FROM touchline.allowed(project = {project:String}))
      AND (SELECT ok FROM touchline.good_funnel(
              steps = {steps:Array(String)},
              window_seconds = {window_seconds:UInt64},
              from = {from:DateTime64(3, 'UTC')},
              to = {to:DateTime64(3, 'UTC')}))
      AND event IN {steps:Array(String)}
      AND NOT is_bot
      AND event_time >= {from:DateTime64(3, 'UTC')}
      AND event_time < {to:DateTime64(3, 'UTC')} + toIntervalSecond({window_seconds:UInt64})
      AND (event != {steps:Array(String)}[1] OR event_time < {to:DateTime64(3, 'UTC')})
    GROUP BY person_id
)
WHERE reached_step > 0
