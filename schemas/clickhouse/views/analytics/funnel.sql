-- An ordered funnel: how many persons reached each step, who is still under way,
-- who fell out, and how long a step took. The rule is that of
-- touchline.funnel_persons. For each step:
--
--   persons = converted + pending + dropped
--
-- Whoever asks for no times does not pay for them: they cost more than the counts.
--
-- Parameters never change: a new mode is a new view.
--
-- summary | Ordered funnel: who reached each step, who is still under way, who fell out, and how long steps took
-- param  | project | String | 'demo' | id of the project, or * for all that you may read
-- param  | steps | Array(String) | ['page_view', 'Product Added', 'Order Completed'] | 1 to 10 different event names, in order
-- param  | window_seconds | UInt64 | 604800 | time from step 1 to the last step, inclusive, 1 to 31622400
-- param  | from | DateTime64(3, 'UTC') | now64(3, 'UTC') - INTERVAL 30 DAY | step 1 counts from here
-- param  | to | DateTime64(3, 'UTC') | now64(3, 'UTC') | step 1 counts before this
-- param  | as_of | DateTime64(3, 'UTC') | now64(3, 'UTC') | a person whose window is open at this time is pending; what was done later counts all the same
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
CREATE OR REPLACE VIEW analytics.funnel
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
FROM touchline.funnel_steps(
    project = {project:String},
    on = 'event',
    steps = {steps:Array(String)},
    window_seconds = {window_seconds:UInt64},
    from = {from:DateTime64(3, 'UTC')},
    to = {to:DateTime64(3, 'UTC')},
    as_of = {as_of:DateTime64(3, 'UTC')})
ORDER BY project, step
COMMENT '${comment}'
