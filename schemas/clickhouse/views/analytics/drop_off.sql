-- Where people leave an ordered funnel, and after how long: one row for each group and
-- each step but the last. Everybody is in one group, by the latest value that is set
-- of the column by (attribution last of analytics.funnel_breakdown): where they were
-- when they left. by = 'project' makes one group.
--
-- summary | Where people leave a funnel, after how long, by channel, device or any other column
-- param  | project | String | 'demo' | id of the project, or * for all that you may read
-- param  | steps | Array(String) | ['page_view', 'Product Added', 'Order Completed'] | 1 to 10 different event names, in order
-- param  | window_seconds | UInt64 | 604800 | time from step 1 to the last step, inclusive, 1 to 31622400
-- param  | from | DateTime64(3, 'UTC') | now64(3, 'UTC') - INTERVAL 30 DAY | step 1 counts from here
-- param  | to | DateTime64(3, 'UTC') | now64(3, 'UTC') | step 1 counts before this
-- param  | as_of | DateTime64(3, 'UTC') | now64(3, 'UTC') | a person whose window is open at this time is pending; what was done later counts all the same
-- param  | by | String | 'acquisition_channel' | column to break down by: channel, acquisition_channel, country, device_type, utm_campaign, ..., or properties.NAME for a property of the events
-- param  | top | UInt64 | 10 | values that are shown by themselves, 1 to 1000; the rest is Other
-- column | project | String | id of the project
-- column | breakdown | String | value of the group; (not set) without one, Other beyond the top
-- column | step | Int64 | number of the step, from 1
-- column | event | String | event of the step
-- column | persons | Int64 | who reached the step
-- column | dropped | Int64 | of these, who did not go on in time
-- column | pending | Int64 | of these, who may still go on, because their window is open
-- column | drop_rate | Float64 | dropped / persons
-- column | median_seconds | Float64 | median time that those who dropped had taken from step 1
-- column | p75_seconds | Float64 | 75th percentile of it
-- column | p90_seconds | Float64 | 90th percentile of it
CREATE OR REPLACE VIEW analytics.drop_off
DEFINER = CURRENT_USER SQL SECURITY DEFINER
AS
SELECT
    project,
    breakdown,
    step,
    event,
    persons,
    dropped,
    pending,
    drop_rate,
    median_seconds,
    p75_seconds,
    p90_seconds
FROM touchline.drop_off_steps(
    project = {project:String},
    on = 'event',
    steps = {steps:Array(String)},
    window_seconds = {window_seconds:UInt64},
    from = {from:DateTime64(3, 'UTC')},
    to = {to:DateTime64(3, 'UTC')},
    as_of = {as_of:DateTime64(3, 'UTC')},
    by = {by:String},
    top = {top:UInt64})
ORDER BY project, breakdown, step
COMMENT '${comment}'
