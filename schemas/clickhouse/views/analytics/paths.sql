-- Which ways persons take: the edges that most paths have in common, ready for a
-- Sankey diagram, and the items at which most paths end.
--
-- An item is a page (path without slashes at its end), a screen, or the name of
-- another event. The items of a person in [from, to), in the order of time and then
-- of the log and without those to exclude, are cut where gap_seconds or more lie
-- between two. Of equal neighbours one is left, with the time of the last.
--
--   after    start = 'x'              from the first x on
--   before   end = 'y'                up to the first y; the last max_steps items are kept
--   between  start = 'x', end = 'y'   from the first x to the first y after it; where that
--                                     is longer, its first and last items around '...'
--
-- Paths that lack start or end are left out. Without an end the first max_steps items
-- are kept, and an edge to '(end)' says that the path ended by itself.
--
-- A path is an array of numbers: time and place in the log in the high bits, so that
-- sorting by value is the order, and a hash of the item in the low 64. Texts take
-- twice as long; they come back at the end, for the items of edges only.
--
-- summary | Ways that persons take, as edges between numbered pages, screens and events
-- param  | project | String | 'demo' | id of the project, or * for all that you may read
-- param  | from | DateTime64(3, 'UTC') | now64(3, 'UTC') - INTERVAL 30 DAY | events from here on
-- param  | to | DateTime64(3, 'UTC') | now64(3, 'UTC') | and before this
-- param  | start | String | '' | item that paths begin with; empty = any
-- param  | end | String | '' | item that paths end with; empty = any
-- param  | only | Array(String) | ['page_view', 'screen_view'] | names of the events to look at; [] = all
-- param  | exclude | Array(String) | [] | items to look past
-- param  | gap_seconds | UInt64 | 1800 | a pause of this length ends a path, 1 to 31622400
-- param  | max_steps | UInt64 | 5 | how many items of a path are kept, 3 to 50
-- param  | top | UInt64 | 50 | how many edges, and how many ends, 1 to 1000
-- column | project | String | id of the project
-- column | position | Int64 | number of the source in its path, from 1
-- column | source | String | number and item, joined by _
-- column | target | String | the same of the next item; (end) = the path ends at source
-- column | paths | Int64 | how many paths
-- column | avg_seconds | Float64 | average time from source to target; 0 for (end)
CREATE OR REPLACE VIEW analytics.paths
DEFINER = CURRENT_USER SQL SECURITY DEFINER
AS
WITH
    toUInt32({max_steps:UInt64}) AS steps,
    intDiv(steps, 2) AS head,
    steps - 1 - head AS tail,
    -- Hashes that stand for no item.
    toUInt64(0) AS left_out,
    toUInt64(1) AS the_end,
    (
        SELECT (groupArray(hash), groupArray(item))
        FROM
        (
            SELECT
                cityHash64(if(e.page = '', '(not set)', e.page)) AS hash,
                any(if(e.page = '', '(not set)', e.page)) AS item
            FROM touchline.events AS e
            WHERE ({project:String} = '*' OR e.project = {project:String})
              AND e.event_time >= {from:DateTime64(3, 'UTC')}
              AND e.event_time < {to:DateTime64(3, 'UTC')}
              AND (empty({only:Array(String)}) OR e.event IN {only:Array(String)})
            GROUP BY hash
            UNION ALL
            SELECT toUInt64(0), '...'
        )
    ) AS names
SELECT
    edge.of_project AS project,
    toInt64(edge.step) AS position,
    concat(toString(edge.step), '_', transform(edge.from_hash, names.1, names.2, '')) AS source,
    if(edge.to_hash = the_end, '(end)', concat(toString(edge.step + 1), '_', transform(edge.to_hash, names.1, names.2, ''))) AS target,
    toInt64(edge.path_count) AS paths,
    edge.total_ms / edge.path_count / 1000 AS avg_seconds
FROM
(
    SELECT
        of_project,
        step,
        here.1 AS from_hash,
        next.1 AS to_hash,
        count() AS path_count,
        sum(next.2 - here.2) AS total_ms,
        rank() OVER (PARTITION BY of_project, to_hash = the_end ORDER BY path_count DESC) AS place
    FROM
    (
        SELECT
            of_project,
            if({start:String} = '', path, arraySlice(path, indexOf(path.1, cityHash64({start:String})))) AS started,
            if({end:String} = '', started, arraySlice(started, 1, indexOf(started.1, cityHash64({end:String})))) AS whole,
            multiIf(
                {end:String} = '', arraySlice(whole, 1, steps),
                {start:String} = '', arraySlice(whole, -toInt64(steps)),
                length(whole) <= steps, whole,
                arrayConcat(
                    arraySlice(whole, 1, head),
                    [(left_out, whole[head].2)],
                    arraySlice(whole, -toInt64(tail)))) AS kept,
            -- Behind the last one is the end, or nothing.
            arrayPushBack(
                arrayPopFront(kept),
                (if({end:String} = '' AND length(whole) <= steps, the_end, left_out), kept[-1].2)) AS following
        FROM
        (
            SELECT
                of_project,
                arrayMap(x -> toUInt64(x), sorted) AS hashes,
                arrayMap(x -> toInt64(bitShiftRight(x, 144)), sorted) AS times,
                arrayMap(
                    (t, before) -> t - before >= toInt64({gap_seconds:UInt64}) * 1000,
                    times,
                    arrayPopBack(arrayPushFront(times, times[1]))) AS cuts,
                arrayFilter(
                    (x, hash, next_hash, next_cut) -> hash != next_hash OR next_cut,
                    arrayZip(hashes, times, arrayCumSum(cuts)),
                    hashes,
                    arrayPopFront(arrayPushBack(hashes, left_out)),
                    arrayPopFront(arrayPushBack(cuts, 1))) AS items,
                arrayJoin(arraySplit(
                    (item, part, part_before) -> part != part_before,
                    arrayZip(items.1, items.2),
                    items.3,
                    arrayPopBack(arrayPushFront(items.3, items.3[1])))) AS path
            FROM
            (
                SELECT
                    if({project:String} = '*', toString(any(e.project)), {project:String}) AS of_project,
                    arraySort(groupArray(bitOr(
                        bitOr(
                            bitShiftLeft(toUInt256(e.ms), 144),
                            bitShiftLeft(toUInt256(e.src_partition), 128)),
                        bitOr(
                            bitShiftLeft(toUInt256(e.src_offset), 64),
                            toUInt256(cityHash64(if(e.page = '', '(not set)', e.page))))))) AS sorted
                FROM touchline.events AS e
                WHERE ({project:String} = '*' OR e.project = {project:String})
                  AND (SELECT ok FROM touchline.allowed(project = {project:String}))
                  AND (SELECT ok FROM touchline.visit_range(from = {from:DateTime64(3, 'UTC')}, to = {to:DateTime64(3, 'UTC')}))
                  AND (SELECT ok FROM touchline.good_top(top = {top:UInt64}))
                  AND (SELECT ok FROM touchline.visit_paths(
                          gap_seconds = {gap_seconds:UInt64},
                          max_steps = {max_steps:UInt64},
                          start = {start:String},
                          end = {end:String},
                          exclude = {exclude:Array(String)}))
                  AND e.event_time >= {from:DateTime64(3, 'UTC')}
                  AND e.event_time < {to:DateTime64(3, 'UTC')}
                  AND (empty({only:Array(String)}) OR e.event IN {only:Array(String)})
                  AND (empty({exclude:Array(String)}) OR if(e.page = '', '(not set)', e.page) NOT IN {exclude:Array(String)})
                GROUP BY e.person_id
            )
        )
        -- A path without its start or end.
        WHERE notEmpty(kept)
    )
    ARRAY JOIN arrayEnumerate(kept) AS step, kept AS here, following AS next
    WHERE step < length(kept) OR next.1 = the_end
    GROUP BY of_project, step, from_hash, to_hash
) AS edge
-- Numbers choose the edges, with all that are equal to the last; texts, which are
-- dear, only order those.
WHERE edge.place <= {top:UInt64}
ORDER BY paths DESC, source, target
LIMIT {top:UInt64} BY project, target = '(end)'
COMMENT '${comment}'
