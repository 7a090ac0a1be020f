-- A funnel with modes and exclusions; columns as in analytics.funnel, which is faster
-- where it will do.
--
--   ordered    other events may lie between two steps
--   strict     none may: any other event in between ends the attempt
--   unordered  steps in any order; step k is then 'k different steps within the window'
--
-- An event of exclude must not lie after step exclude_from and before step exclude_to,
-- both counted from 1. In order, a person with an excluded path leaves the funnel and
-- is not counted at any step. In any order there is no between: an exclusion ends
-- what is under way, and the person stays at step 1.
--
-- In order, only those who did an excluded event are followed by the state machine;
-- all others by the quick way of analytics.funnel, with the same result.
--
-- summary | Funnel with modes (ordered, strict, unordered) and events that exclude from it
-- param  | project | String | 'demo' | id of the project, or * for all that you may read
-- param  | steps | Array(String) | ['page_view', 'Product Added', 'Order Completed'] | 1 to 10 different event names, in order
-- param  | window_seconds | UInt64 | 604800 | time from step 1 to the last step, inclusive, 1 to 31622400
-- param  | from | DateTime64(3, 'UTC') | now64(3, 'UTC') - INTERVAL 30 DAY | step 1 counts from here
-- param  | to | DateTime64(3, 'UTC') | now64(3, 'UTC') | step 1 counts before this
-- param  | as_of | DateTime64(3, 'UTC') | now64(3, 'UTC') | a person whose window is open at this time is pending; what was done later counts all the same
-- param  | mode | String | 'ordered' | ordered, strict (no event in between) or unordered (steps in any order)
-- param  | exclude | Array(String) | ['Product Removed'] | events that must not lie between two steps; [] for none
-- param  | exclude_from | Array(UInt8) | [1] | for each of them, the step after which
-- param  | exclude_to | Array(UInt8) | [3] | for each of them, the step before which
-- column | project | String | id of the project
-- column | step | Int64 | number of the step, from 1
-- column | event | String | event of the step
-- column | entered | Int64 | who did step 1
-- column | persons | Int64 | who reached the step
-- column | converted | Int64 | of these, who went on to the next step; at the last step, all
-- column | pending | Int64 | of these, who may still go on, because their window is open
-- column | dropped | Int64 | of these, who did not go on in time
-- column | conversion_total | Float64 | persons / entered
-- column | conversion_step | Float64 | persons / persons of the step before
-- column | median_seconds | Float64 | median time from the step before
-- column | p75_seconds | Float64 | 75th percentile of it
-- column | p90_seconds | Float64 | 90th percentile of it
-- column | median_seconds_from_first | Float64 | median time from step 1
-- column | p75_seconds_from_first | Float64 | 75th percentile of it
-- column | p90_seconds_from_first | Float64 | 90th percentile of it
CREATE OR REPLACE VIEW analytics.funnel_exact
DEFINER = CURRENT_USER SQL SECURITY DEFINER
AS
SELECT
    project,
    step,
    event,
    entered,
    persons,
    converted,
    pending,
    dropped,
    conversion_total,
    conversion_step,
    median_seconds,
    p75_seconds,
    p90_seconds,
    median_seconds_from_first,
    p75_seconds_from_first,
    p90_seconds_from_first
FROM touchline.funnel_exact_steps(
    project = {project:String},
    on = 'event',
    steps = {steps:Array(String)},
    window_seconds = {window_seconds:UInt64},
    from = {from:DateTime64(3, 'UTC')},
    to = {to:DateTime64(3, 'UTC')},
    as_of = {as_of:DateTime64(3, 'UTC')},
    mode = {mode:String},
    exclude = {exclude:Array(String)},
    exclude_from = {exclude_from:Array(UInt8)},
    exclude_to = {exclude_to:Array(UInt8)})
ORDER BY project, step
COMMENT '${comment}'
