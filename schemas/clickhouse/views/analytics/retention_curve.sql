-- The retention table in one line: of all persons whose cohort has completed a
-- period, the share that came back in it. Cells that are not complete take no part,
-- so a young cohort is not mistaken for one that was lost, and the later periods
-- rest on fewer persons, which at_risk says. Parameters are those of retention.
--
-- summary | Retention by period over all cohorts: of those whose interval has ended, how many came back
-- param  | project | String | 'demo' | id of the project, or * for all that you may read
-- param  | start_event | String | 'page_view' | what puts a person into a cohort; empty = any event
-- param  | return_event | String | '' | what counts as coming back; empty = any event
-- param  | granularity | String | 'day' | day, week (from Monday) or month
-- param  | mode | String | 'first_time' | recurring (a cohort for each interval with start_event) or first_time (of all history)
-- param  | cumulative | Bool | false | count a person at every period up to their last return
-- param  | from | DateTime64(3, 'UTC') | today() - 30 | its UTC date lies in the first cohort
-- param  | cohorts | UInt16 | 30 | number of cohorts, 1 to 1000
-- param  | periods | UInt16 | 15 | number of periods, 1 to 1000
-- param  | as_of | DateTime64(3, 'UTC') | now64(3, 'UTC') | only cells whose interval had ended by then count
-- column | project | String | id of the project
-- column | period | Int64 | number of the interval after the cohort's own, which is 0
-- column | cohorts | Int64 | cohorts of somebody that have completed the period
-- column | at_risk | Int64 | persons of these cohorts
-- column | persons | Int64 | those of them who came back
-- column | rate | Nullable(Float64) | persons / at_risk; NULL where nobody is at risk yet
CREATE OR REPLACE VIEW analytics.retention_curve
DEFINER = CURRENT_USER SQL SECURITY DEFINER
AS
SELECT
    r.project AS project,
    r.period AS period,
    toInt64(countIf(r.complete AND r.cohort_size > 0)) AS cohorts,
    sumIf(r.cohort_size, r.complete) AS at_risk,
    sumIf(r.persons, r.complete) AS persons,
    if(at_risk > 0, persons / at_risk, NULL) AS rate
FROM analytics.retention(
    project = {project:String},
    start_event = {start_event:String},
    return_event = {return_event:String},
    granularity = {granularity:String},
    mode = {mode:String},
    cumulative = {cumulative:Bool},
    from = {from:DateTime64(3, 'UTC')},
    cohorts = {cohorts:UInt16},
    periods = {periods:UInt16},
    as_of = {as_of:DateTime64(3, 'UTC')}) AS r
GROUP BY project, period
ORDER BY project, period
COMMENT '${comment}'
