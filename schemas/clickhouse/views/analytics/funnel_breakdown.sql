-- An ordered funnel, divided by the value of a column of its events, or of a property
-- of them: 'properties.plan'. Any column of touchline.events will do; an unknown one is an
-- error that names it and the parameter. What stands behind 'properties.' is the name of
-- a property at the top level, dots, quotes and all; what lies within a property has no
-- name here. A text is its own value, a number is written as short as can be (1.50 is
-- 1.5), a list or an object as JSON; null is no value.
--
-- With attribution first, last and step everybody is in one group, so the groups sum
-- up to analytics.funnel at each step: those without a value are '(not set)', those
-- beyond the top values 'Other', and, by step, those who never got to
-- attribution_step '(not reached)'. With all, each value is followed by itself and a
-- person is in a group for each, so they do not.
--
-- Top values are those that most entered with.
--
-- summary | Ordered funnel, divided by the value of a column, as a part of which everybody counts once
-- param  | project | String | 'demo' | id of the project, or * for all that you may read
-- param  | steps | Array(String) | ['page_view', 'Product Added', 'Order Completed'] | 1 to 10 different event names, in order
-- param  | window_seconds | UInt64 | 604800 | time from step 1 to the last step, inclusive, 1 to 31622400
-- param  | from | DateTime64(3, 'UTC') | now64(3, 'UTC') - INTERVAL 30 DAY | step 1 counts from here
-- param  | to | DateTime64(3, 'UTC') | now64(3, 'UTC') | step 1 counts before this
-- param  | as_of | DateTime64(3, 'UTC') | now64(3, 'UTC') | a person whose window is open at this time is pending; what was done later counts all the same
-- param  | by | String | 'acquisition_channel' | column to break down by: channel, acquisition_channel, country, device_type, utm_campaign, ..., or properties.NAME for a property of the events
-- param  | attribution | String | 'first' | whose value a person has: first or last that is set, step (that of attribution_step), all (a row for each)
-- param  | attribution_step | UInt8 | 1 | number of the step for attribution = step, else not looked at
-- param  | top | UInt64 | 10 | values that are shown by themselves, 1 to 1000; the rest is Other
-- column | project | String | id of the project
-- column | breakdown | String | value of the group; (not set) without one, Other beyond the top
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
-- column | additive | Bool | nobody is in two groups, so that the groups sum up to the funnel
CREATE OR REPLACE VIEW analytics.funnel_breakdown
DEFINER = CURRENT_USER SQL SECURITY DEFINER
AS
SELECT
    project,
    breakdown,
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
    p90_seconds_from_first,
    additive
FROM touchline.funnel_breakdown_steps(
    project = {project:String},
    on = 'event',
    steps = {steps:Array(String)},
    window_seconds = {window_seconds:UInt64},
    from = {from:DateTime64(3, 'UTC')},
    to = {to:DateTime64(3, 'UTC')},
    as_of = {as_of:DateTime64(3, 'UTC')},
    by = {by:String},
    attribution = {attribution:String},
    attribution_step = {attribution_step:UInt8},
    top = {top:UInt64})
ORDER BY project, entered DESC, breakdown, step
COMMENT '${comment}'
