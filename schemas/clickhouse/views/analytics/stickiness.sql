-- How regularly persons come: in how many intervals of the span each was active.
-- Intervals are days, weeks from Monday, or months, in the time zone of the project,
-- from the one that holds the UTC date of `from` to the one that holds the last
-- instant before `to`; each counts as a whole. A row for every number of intervals,
-- also where nobody is. Bots are left out.
--
-- summary | Stickiness: how many persons were active in exactly, and in at least, so many intervals
-- param  | project | String | 'demo' | id of the project, or * for all that you may read
-- param  | event | String | '' | what makes a person active; empty = any event
-- param  | granularity | String | 'day' | day, week (from Monday) or month
-- param  | from | DateTime64(3, 'UTC') | today() - 30 | its UTC date lies in the first interval
-- param  | to | DateTime64(3, 'UTC') | today() | intervals that begin before this count
-- column | project | String | id of the project
-- column | intervals | Int64 | number of intervals, from 1
-- column | persons | Int64 | persons active in exactly so many
-- column | persons_at_least | Int64 | persons active in so many or more
-- column | share_at_least | Float64 | persons_at_least / all who were active, 0 to 1; 0 if nobody was
CREATE OR REPLACE VIEW analytics.stickiness
DEFINER = CURRENT_USER SQL SECURITY DEFINER
AS
WITH
    if({granularity:String} IN ('week', 'month'), {granularity:String}, 'day') AS unit,
    toUInt32(greatest(1, least(1000, 1 + dateDiff(
        unit,
        toDate({from:DateTime64(3, 'UTC')}),
        toDate({to:DateTime64(3, 'UTC')} - toIntervalMillisecond(1)))))) AS interval_count,
    counts AS
    (
        SELECT
            a.project AS project,
            toUInt32(length(a.intervals)) AS number,
            toInt64(count()) AS n
        FROM touchline.person_active(
            project = {project:String},
            event = {event:String},
            granularity = {granularity:String},
            from = {from:DateTime64(3, 'UTC')},
            to = {to:DateTime64(3, 'UTC')},
            days_back = 0) AS a
        GROUP BY project, number
    )
SELECT
    p.project AS project,
    toInt64(p.number) AS intervals,
    c.n AS persons,
    sum(c.n) OVER (PARTITION BY p.project ORDER BY p.number DESC) AS persons_at_least,
    if(sum(c.n) OVER (PARTITION BY p.project) = 0, 0, persons_at_least / sum(c.n) OVER (PARTITION BY p.project)) AS share_at_least
FROM
(
    SELECT project, toUInt32(arrayJoin(range(1, interval_count + 1))) AS number
    FROM touchline.asked_projects(project = {project:String})
) AS p
LEFT JOIN counts AS c ON c.project = p.project AND c.number = p.number
ORDER BY project, intervals
-- The caller's own setting would turn nobody into NULL.
SETTINGS join_use_nulls = 0
COMMENT '${comment}'
