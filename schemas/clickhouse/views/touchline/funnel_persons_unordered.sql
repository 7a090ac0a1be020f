-- How many different steps each person did within a window, whatever their order:
-- touchline.funnel_persons with the same columns level, last_entry and times.
--
-- An attempt begins with any step before to and comes as far as the number of different
-- steps within window_seconds, inclusive; the first that comes furthest counts, and its
-- times are those of its first, second, ... different step. An excluded event ends all
-- attempts, and what they reached is lost, unless one of them had all steps: the person
-- counts from there, but at least as one who did a single step, the latest that could
-- have begun an attempt. At one instant the exclusion acts first.
--
--   parts    the person's (time, step) between exclusions; an exclusion is step 0
--   reached  for each part, how far each of its attempts came; 0 where none can begin
CREATE OR REPLACE VIEW touchline.funnel_persons_unordered AS
WITH
    toInt64({window_seconds:UInt64}) * 1000 AS window_ms,
    toUnixTimestamp64Milli({to:DateTime64(3, 'UTC')}) AS to_ms,
    length({steps:Array(String)}) AS step_count
SELECT
    project,
    person_id,
    if(furthest = 0, 1, toInt64(furthest)) AS level,
    last_entry,
    if(
        furthest = 0,
        [last_entry],
        arraySort(arrayFilter(at -> at > 0, arrayMap(
            k -> arrayFirst(hit -> hit.2 = k AND hit.1 >= began AND hit.1 <= began + window_ms, part).1,
            range(1, step_count + 1))))) AS times
FROM
(
    SELECT
        if({project:String} = '*', toString(any(e.project)), {project:String}) AS project,
        e.person_id AS person_id,
        maxIf(e.ms, e.{on:Identifier} IN {steps:Array(String)} AND e.ms < to_ms) AS last_entry,
        arraySplit(
            hit -> hit.2 = 0,
            arraySort(groupArray((e.ms, toUInt8(indexOf({steps:Array(String)}, e.{on:Identifier})))))) AS parts,
        arrayMap(
            hits -> arrayMap(
                start -> if(
                    start.2 = 0 OR start.1 >= to_ms,
                    0,
                    arrayUniq(arrayFilter(hit -> hit.2 > 0 AND hit.1 >= start.1 AND hit.1 <= start.1 + window_ms, hits).2)),
                hits),
            parts) AS reached,
        arrayFirstIndex(levels -> has(levels, step_count), reached) AS complete,
        if(complete > 0, complete, length(parts)) AS chosen,
        parts[chosen] AS part,
        arrayMax(reached[chosen]) AS furthest,
        part[indexOf(reached[chosen], furthest)].1 AS began
    FROM touchline.events AS e
    WHERE ({project:String} = '*' OR e.project = {project:String})
      AND {mode:String} = 'unordered'
      AND e.{on:Identifier} IN arrayConcat({steps:Array(String)}, {exclude:Array(String)})
      AND e.event_time >= {from:DateTime64(3, 'UTC')}
      AND e.event_time < {to:DateTime64(3, 'UTC')} + toIntervalSecond({window_seconds:UInt64})
    GROUP BY person_id
)
WHERE last_entry > 0
