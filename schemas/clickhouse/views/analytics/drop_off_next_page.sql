-- Where those who fell out of a funnel went next: analytics.drop_off_next with the first
-- page or screen that they looked at, instead of the first event; '(nothing)' where
-- there is none: they left. A page is its path without slashes at the end, a screen
-- its name; those without one are not looked at.
--
-- The persons stand on the right of the join, so that they and not the events are
-- held in memory; it is a RIGHT JOIN, so that those without an event stay.
--
-- summary | Which page persons looked at after they fell out of a funnel
-- param  | project | String | 'demo' | id of the project, or * for all that you may read
-- param  | steps | Array(String) | ['page_view', 'Product Added', 'Order Completed'] | 1 to 10 different event names, in order
-- param  | window_seconds | UInt64 | 604800 | time from step 1 to the last step, inclusive, 1 to 31622400
-- param  | from | DateTime64(3, 'UTC') | now64(3, 'UTC') - INTERVAL 30 DAY | step 1 counts from here
-- param  | to | DateTime64(3, 'UTC') | now64(3, 'UTC') | step 1 counts before this
-- param  | as_of | DateTime64(3, 'UTC') | now64(3, 'UTC') | only those whose window closed before this
-- param  | after_step | UInt8 | 1 | the last step they reached, less than the number of steps
-- param  | horizon_seconds | UInt64 | 86400 | how long to look, inclusive, 1 to 31622400
-- column | project | String | id of the project
-- column | next_page | String | first page or screen afterwards; (nothing) = none
-- column | persons | Int64 | how many
-- column | share | Float64 | part of all who left after this step
-- column | median_seconds | Float64 | median time since their last step; 0 for (nothing)
CREATE OR REPLACE VIEW analytics.drop_off_next_page
DEFINER = CURRENT_USER SQL SECURITY DEFINER
AS
SELECT
    project,
    did_next AS next_page,
    persons,
    share,
    median_seconds
FROM touchline.drop_off_followers(
    project = {project:String},
    what = 'page',
    on = 'event',
    steps = {steps:Array(String)},
    window_seconds = {window_seconds:UInt64},
    from = {from:DateTime64(3, 'UTC')},
    to = {to:DateTime64(3, 'UTC')},
    as_of = {as_of:DateTime64(3, 'UTC')},
    after_step = {after_step:UInt8},
    horizon_seconds = {horizon_seconds:UInt64})
ORDER BY project, persons DESC, next_page
COMMENT '${comment}'
