-- The persons behind the numbers of analytics.funnel, with the same parameters: filter
-- by level and outcome. persons of step k are those with level >= k; pending and
-- dropped those with level = k and that outcome.
--
-- summary | The persons behind the numbers of a funnel, and what became of each
-- param  | project | String | 'demo' | id of the project, or * for all that you may read
-- param  | steps | Array(String) | ['page_view', 'Product Added', 'Order Completed'] | 1 to 10 different event names, in order
-- param  | window_seconds | UInt64 | 604800 | time from step 1 to the last step, inclusive, 1 to 31622400
-- param  | from | DateTime64(3, 'UTC') | now64(3, 'UTC') - INTERVAL 30 DAY | step 1 counts from here
-- param  | to | DateTime64(3, 'UTC') | now64(3, 'UTC') | step 1 counts before this
-- param  | as_of | DateTime64(3, 'UTC') | now64(3, 'UTC') | a person whose window is open at this time is pending; what was done later counts all the same
-- column | project | String | id of the project
-- column | person_id | String | the person, 16 hex digits
-- column | level | Int64 | number of the last step reached
-- column | event | String | event of that step
-- column | outcome | String | converted, pending or dropped
-- column | entered_at | DateTime64(3, 'UTC') | time of step 1 of the attempt that came furthest; the time column
-- column | reached_at | DateTime64(3, 'UTC') | time of the last step reached
-- column | seconds | Float64 | time between them
-- column | day | Date | day of entered_at in the time zone of the project
CREATE OR REPLACE VIEW analytics.funnel_actors
DEFINER = CURRENT_USER SQL SECURITY DEFINER
AS
SELECT
    project,
    person_id,
    level,
    event,
    outcome,
    entered_at,
    reached_at,
    seconds,
    day
FROM touchline.funnel_actor_rows(
    project = {project:String},
    on = 'event',
    steps = {steps:Array(String)},
    window_seconds = {window_seconds:UInt64},
    from = {from:DateTime64(3, 'UTC')},
    to = {to:DateTime64(3, 'UTC')},
    as_of = {as_of:DateTime64(3, 'UTC')})
COMMENT '${comment}'
