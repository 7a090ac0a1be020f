-- How far each person came, strictly or with events that must not lie between two
-- steps: touchline.funnel_persons with the same columns level, last_entry and times,
-- by a state machine. With mode = 'ordered' only persons who did an excluded event are
-- here: all others have the level that touchline.funnel_persons says, at half the cost.
--
-- For each step the machine keeps the latest attempt that has reached it (the rule is
-- that of an ordered funnel). Strictly, an event takes every attempt away from the
-- steps that it is not. An event that is forbidden between step k - 1 and k excludes the
-- attempt at step k - 1, if its window is open and it has not gone on; the person's best
-- path is the first that got furthest, also if excluded, and is replaced at the same
-- step by one that is not. Who has an excluded best path has left the funnel: level -1.
-- Events of one instant that are not all the same exclude nothing and lie between
-- nothing.
--
-- arrayFold runs over the steps and not over the events: everything else are passes over
-- arrays with a place for each event of the person.
--
--   hits     (time, code, slot), sorted. slot is the step, -k for what is forbidden
--            before step k, 0 for any other event; an event that is forbidden before
--            several steps has several hits. Equal code = the event is the same
--   alike    whether all events of the instant are the same
--   clears   whether the event is the last of its instant and takes attempts away
--
-- For step k, from the attempts of step k - 1:
--
--   came     time of step 1 of the attempt that the event takes to step k; 0 = none
--   new      came, where it is not the attempt that is there already
--   now      the attempt that is at step k after each event: its time of step 1,
--            negative if excluded; 1 = taken away, 0 = none
--
-- The result is (now of the last step, highest step reached, time of step 1 of the best
-- path or 0 if all are excluded, now of each step). The times are found from the end: the
-- first time that the best path was at its last step, and for each step before, when it
-- had come there last: strictly, an attempt that was taken away may come again.
CREATE OR REPLACE VIEW touchline.funnel_persons_exact AS
WITH
    toInt64({window_seconds:UInt64}) * 1000 AS window_ms,
    {mode:String} = 'strict' AS strict
SELECT
    project,
    person_id,
    toInt64(if(machine.2 = 0, 0, if(machine.3 = 0, -1, toInt16(machine.2)))) AS level,
    last_entry,
    if(
        level > 0,
        arrayFold(
            (path, now) -> arrayMap(
                i -> (i, arrayPushFront(path.2, hit_times[i])),
                [arrayLastIndex(
                    (entry, before, i) -> entry = machine.3 AND before != machine.3 AND i <= path.1,
                    now, arrayPopBack(arrayPushFront(now, toInt64(0))), arrayEnumerate(now))])[1],
            arrayReverse(arraySlice(machine.4, 1, level)),
            (toUInt32(indexOf(machine.4[level], machine.3)), emptyArrayInt64())
        ).2,
        []) AS times
FROM
(
    SELECT
        if({project:String} = '*', toString(any(project)), {project:String}) AS project,
        person_id,
        maxIf(ms, step = 1) AS last_entry,
        arraySort(groupArrayArray(arrayMap(slot -> (ms, code, slot), slots))) AS all_hits,
        arrayFill((code, at, before) -> at != before, all_hits.2, all_hits.1, arrayPopBack(arrayPushFront(all_hits.1, toInt64(-1)))) AS first_codes,
        arrayReverseFill((code, at, after) -> at != after, all_hits.2, all_hits.1, arrayPopFront(arrayPushBack(all_hits.1, toInt64(-1)))) AS last_codes,
        arrayFilter((hit, f, l) -> f = l OR hit.3 > 0, all_hits, first_codes, last_codes) AS hits,
        arrayFilter((same, hit, f, l) -> f = l OR hit.3 > 0, arrayMap((f, l) -> f = l, first_codes, last_codes), all_hits, first_codes, last_codes) AS alike,
        hits.1 AS hit_times,
        hits.3 AS hit_slots,
        arrayMap((same, at, after) -> strict AND same AND at != after, alike, hit_times, arrayPopFront(arrayPushBack(hit_times, toInt64(-1)))) AS clears,
        arrayFold(
            (acc, k) -> arrayMap(came -> arrayMap(new -> arrayMap(raw -> arrayMap(now ->
                if(
                    arrayExists(c -> c != 0, came),
                    (
                        now,
                        toInt64(k),
                        arrayFirst(
                            (entry, forbidden) -> entry > 0 AND (forbidden = 0 OR forbidden - entry > window_ms),
                            new,
                            arrayPopFront(arrayPushBack(
                                arrayReverseFill(
                                    x -> x != 0,
                                    arrayMap(
                                        (at, slot, same, before) -> if(slot = -(k + 1) AND same AND abs(before) > 1, at, toInt64(0)),
                                        hit_times, hit_slots, alike, arrayPopBack(arrayPushFront(now, toInt64(0))))),
                                toInt64(0)))),
                        arrayPushBack(acc.4, now)
                    ),
                    (now, acc.2, acc.3, arrayPushBack(acc.4, now))),
                [arrayFill(
                    x -> x != 0,
                    arrayMap(
                        (r, entry) -> if(r = -1, if(entry > 1, -entry, toInt64(1)), r),
                        raw,
                        arrayFill(x -> x > 0, raw)))])[1],
                [arrayMap(
                    (entry, slot, same, clear) -> multiIf(entry > 0, entry, clear AND slot != k, toInt64(1), slot = -(k + 1) AND same, toInt64(-1), toInt64(0)),
                    new, hit_slots, alike, clears)])[1],
                [if(
                    strict,
                    arrayMap(c -> if(c > 1, c, toInt64(0)), came),
                    arrayMap((c, before) -> if(c > 1 AND c != before, c, toInt64(0)), came, arrayPopBack(arrayPushFront(arrayFill(x -> x > 0, came), toInt64(0)))))])[1],
                [arrayMap(
                    (at, slot, before) -> if(slot = k AND abs(before) > 1 AND at - abs(before) <= window_ms, before, toInt64(0)),
                    hit_times, hit_slots, if(k = 1, hit_times, arrayPopBack(arrayPushFront(acc.1, toInt64(0)))))])[1],
            arrayEnumerate({steps:Array(String)}),
            (emptyArrayInt64(), toInt64(0), toInt64(0), CAST([] AS Array(Array(Int64))))
        ) AS machine
    FROM
    (
        SELECT
            e.project AS project,
            e.person_id AS person_id,
            e.ms AS ms,
            if(
                e.{on:Identifier} = {steps:Array(String)}[1] AND e.event_time >= {to:DateTime64(3, 'UTC')},
                toInt8(0),
                toInt8(indexOf({steps:Array(String)}, e.{on:Identifier}))) AS step,
            if(
                step > 0,
                [step],
                arrayDistinct(arrayMap(k -> toInt8(-k), arrayFlatten(arrayMap(
                    (name, after, before) -> if(name = e.{on:Identifier}, range(after + 1, before + 1), CAST([] AS Array(UInt16))),
                    {exclude:Array(String)}, {exclude_from:Array(UInt8)}, {exclude_to:Array(UInt8)}))))) AS marks,
            if(empty(marks), [step], marks) AS slots,
            if(step > 0, toInt32(step), toInt32(-arraySum(arrayMap(slot -> bitShiftLeft(toInt32(1), -slot), marks)))) AS code
        FROM touchline.events AS e
        WHERE ({project:String} = '*' OR e.project = {project:String})
          AND {mode:String} != 'unordered'
          AND e.event_time >= {from:DateTime64(3, 'UTC')}
          AND e.event_time < {to:DateTime64(3, 'UTC')} + toIntervalSecond({window_seconds:UInt64})
          AND ({mode:String} = 'strict'
              OR e.{on:Identifier} IN arrayConcat({steps:Array(String)}, {exclude:Array(String)})
                  AND (e.{on:Identifier} != {steps:Array(String)}[1] OR e.event_time < {to:DateTime64(3, 'UTC')})
                  AND e.person_id IN (
                      SELECT person_id
                      FROM touchline.funnel_excluded(
                          project = {project:String},
                          on = {on:String},
                          steps = {steps:Array(String)},
                          exclude = {exclude:Array(String)},
                          window_seconds = {window_seconds:UInt64},
                          from = {from:DateTime64(3, 'UTC')},
                          to = {to:DateTime64(3, 'UTC')})))
    )
    GROUP BY person_id
)
WHERE level != 0
