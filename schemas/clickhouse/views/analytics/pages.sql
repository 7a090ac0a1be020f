-- What happens on each page and screen: views in [from, to), where sessions begin and
-- end, how long people stay.
--
-- A view is an entry when no other precedes it in its session, an exit when none
-- follows, a bounce when it is an entry of a session in which the visitor did at most
-- one thing. The time on a page lasts until the next view of the session; an exit has
-- none. Views without a session count as views and visitors only. What precedes and
-- follows is looked for a day before and after the range: a session is not longer.
--
-- summary | Views, visitors, entries, exits, bounces and time on page, by page
-- param  | project | String | 'demo' | id of the project, or * for all that you may read
-- param  | from | DateTime64(3, 'UTC') | now64(3, 'UTC') - INTERVAL 30 DAY | views from here on
-- param  | to | DateTime64(3, 'UTC') | now64(3, 'UTC') | and before this
-- param  | top | UInt64 | 100 | how many pages, by views, 1 to 1000
-- column | project | String | id of the project
-- column | host | String | host of the page; empty for a screen
-- column | page | String | path of the page, without slashes at its end, or name of the screen
-- column | views | Int64 | how often it was viewed
-- column | visitors | Int64 | by how many persons
-- column | entries | Int64 | views with which a session began
-- column | exits | Int64 | views with which a session ended
-- column | bounces | Int64 | entries of sessions in which nothing else was done
-- column | exit_rate | Float64 | exits / views
-- column | bounce_rate | Float64 | bounces / entries
-- column | avg_seconds | Float64 | average time until the next view of the session
-- column | median_seconds | Float64 | median of it
CREATE OR REPLACE VIEW analytics.pages
DEFINER = CURRENT_USER SQL SECURITY DEFINER
AS
WITH seen.in_session AND number < length(seen.in_order) AS stays
SELECT
    seen.of_project AS project,
    tupleElement(view, 2) AS host,
    tupleElement(view, 3) AS page,
    toInt64(count()) AS views,
    toInt64(uniqExact(tupleElement(view, 4))) AS visitors,
    toInt64(countIf(seen.in_session AND number = 1)) AS entries,
    toInt64(countIf(seen.in_session AND number = length(seen.in_order))) AS exits,
    toInt64(countIf(seen.in_session AND number = 1 AND seen.bounced)) AS bounces,
    exits / views AS exit_rate,
    if(entries = 0, 0, bounces / entries) AS bounce_rate,
    if(countIf(stays) = 0, 0, sumIf(stay_ms, stays) / countIf(stays) / 1000) AS avg_seconds,
    if(countIf(stays) = 0, 0, quantileExactInclusiveIf(0.5)(stay_ms / 1000, stays)) AS median_seconds
FROM
(
    SELECT
        if({project:String} = '*', toString(any(e.project)), {project:String}) AS of_project,
        e.session_id != 0 AS in_session,
        e.session_id IN
        (
            SELECT v.session_id
            FROM touchline.visit_rows AS v
            WHERE ({project:String} = '*' OR v.project = {project:String})
              AND v.day BETWEEN toDate({from:DateTime64(3, 'UTC')}) - 2 AND toDate({to:DateTime64(3, 'UTC')}) + 2
            GROUP BY v.session_id
            HAVING sum(v.interactions) <= 1
        ) AS bounced,
        arraySort(
            (view, place) -> place,
            groupArray((e.ms, toString(e.url_host), e.page, e.person_id)),
            groupArray(bitOr(
                bitShiftLeft(toUInt128(e.ms), 80),
                bitOr(bitShiftLeft(toUInt128(e.src_partition), 64), toUInt128(e.src_offset))))) AS in_order
    FROM touchline.events AS e
    WHERE ({project:String} = '*' OR e.project = {project:String})
      AND (SELECT ok FROM touchline.allowed(project = {project:String}))
      AND (SELECT ok FROM touchline.visit_range(from = {from:DateTime64(3, 'UTC')}, to = {to:DateTime64(3, 'UTC')}))
      AND (SELECT ok FROM touchline.good_top(top = {top:UInt64}))
      AND e.type IN ('page', 'screen')
      AND e.event_time >= {from:DateTime64(3, 'UTC')} - INTERVAL 1 DAY
      AND e.event_time < {to:DateTime64(3, 'UTC')} + INTERVAL 1 DAY
    -- A view without a session is one by itself, in pieces of moderate size.
    GROUP BY e.session_id, if(e.session_id = 0, cityHash64(e.project, e.src_partition, e.src_offset), 0)
) AS seen
ARRAY JOIN
    seen.in_order AS view,
    arrayEnumerate(seen.in_order) AS number,
    arrayMap(
        (this, next) -> next.1 - this.1,
        seen.in_order,
        arrayPopFront(arrayPushBack(seen.in_order, seen.in_order[-1]))) AS stay_ms
WHERE tupleElement(view, 1) >= toUnixTimestamp64Milli({from:DateTime64(3, 'UTC')})
  AND tupleElement(view, 1) < toUnixTimestamp64Milli({to:DateTime64(3, 'UTC')})
GROUP BY project, host, page
ORDER BY views DESC, page, host
LIMIT {top:UInt64} BY project
COMMENT '${comment}'
