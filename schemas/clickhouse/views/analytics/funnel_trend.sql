-- A funnel over time: one funnel, divided by the day, week or month in which a person's
-- path begins. Everybody is in one interval, so the intervals sum up to
-- analytics.funnel. Who enters again and comes further moves to the later interval.
--
-- An interval is complete when the window of the last possible entrant has closed at
-- as_of. Days are those of the project's zone, of which the end in UTC is not known
-- here: it is taken to be 12 hours after midnight UTC, the latest there is.
--
-- An interval without entrants has no row.
--
-- summary | A funnel by the day, week or month of entry, with what is still open marked
-- param  | project | String | 'demo' | id of the project, or * for all that you may read
-- param  | steps | Array(String) | ['page_view', 'Product Added', 'Order Completed'] | 1 to 10 different event names, in order
-- param  | window_seconds | UInt64 | 604800 | time from step 1 to the last step, inclusive, 1 to 31622400
-- param  | from | DateTime64(3, 'UTC') | now64(3, 'UTC') - INTERVAL 30 DAY | step 1 counts from here
-- param  | to | DateTime64(3, 'UTC') | now64(3, 'UTC') | step 1 counts before this
-- param  | as_of | DateTime64(3, 'UTC') | now64(3, 'UTC') | a person whose window is open at this time is pending; what was done later counts all the same
-- param  | granularity | String | 'day' | day, week (from Monday) or month
-- column | project | String | id of the project
-- column | entry_date | Date | first day of the interval, in the time zone of the project
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
-- column | complete | Bool | every window that opened in the interval has closed
CREATE OR REPLACE VIEW analytics.funnel_trend
DEFINER = CURRENT_USER SQL SECURITY DEFINER
AS
SELECT
    project,
    entry_date,
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
    complete
FROM touchline.funnel_trend_steps(
    project = {project:String},
    on = 'event',
    steps = {steps:Array(String)},
    window_seconds = {window_seconds:UInt64},
    from = {from:DateTime64(3, 'UTC')},
    to = {to:DateTime64(3, 'UTC')},
    as_of = {as_of:DateTime64(3, 'UTC')},
    granularity = {granularity:String})
ORDER BY project, entry_date, step
COMMENT '${comment}'
