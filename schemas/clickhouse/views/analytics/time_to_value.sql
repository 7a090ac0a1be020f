-- How long it takes from signing up to being activated, from there to first use, and
-- from signing up to first use. It looks at each person whose first sign_up of all
-- history lies in [from, to): activation is the first one not before it, first use
-- the first one not before that, each within window_seconds of signing up. Who has
-- not got there while the window is open at as_of is pending, not dropped:
--
--   entered = reached + pending + dropped
--
-- Three legs of eleven buckets each: the leg's totals stand in all of its rows.
-- Bots are left out.
--
-- summary | Time to value: how long from sign-up to activation to first use, as a distribution
-- param  | project | String | 'demo' | id of the project, or * for all that you may read
-- param  | sign_up | String | 'page_view' | event that begins it
-- param  | activation | String | 'Product Added' | event that follows
-- param  | first_use | String | 'Order Completed' | event that follows that
-- param  | window_seconds | UInt64 | 2592000 | time for all of it since sign_up, 1 to 31622400
-- param  | from | DateTime64(3, 'UTC') | now64(3, 'UTC') - INTERVAL 30 DAY | sign-ups count from here
-- param  | to | DateTime64(3, 'UTC') | now64(3, 'UTC') | sign-ups count before this
-- param  | as_of | DateTime64(3, 'UTC') | now64(3, 'UTC') | who has time left at this time is pending
-- column | project | String | id of the project
-- column | leg | Int64 | 1 = to activation, 2 = from there to first use, 3 = the whole way
-- column | from_event | String | where the leg begins
-- column | to_event | String | where it ends
-- column | bucket | Int64 | number of the bucket, 1 to 11
-- column | from_seconds | Int64 | the bucket's shortest time
-- column | to_seconds | Nullable(Int64) | all of its times are shorter; NULL = no end
-- column | persons | Int64 | who took so long
-- column | entered | Int64 | who began the leg
-- column | reached | Int64 | who ended it
-- column | pending | Int64 | who still may
-- column | dropped | Int64 | who did not in time
-- column | median_seconds | Nullable(Float64) | median time of those who ended the leg; NULL = nobody
CREATE OR REPLACE VIEW analytics.time_to_value
DEFINER = CURRENT_USER SQL SECURITY DEFINER
AS
SELECT *
FROM touchline.value_times(
    match = 'event',
    project = {project:String},
    sign_up = {sign_up:String},
    activation = {activation:String},
    first_use = {first_use:String},
    window_seconds = {window_seconds:UInt64},
    from = {from:DateTime64(3, 'UTC')},
    to = {to:DateTime64(3, 'UTC')},
    as_of = {as_of:DateTime64(3, 'UTC')})
COMMENT '${comment}'
