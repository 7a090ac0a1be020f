-- What becomes of new persons, by the day of their first event of all history: who
-- came back on the day after, 7 and 30 days after; who has been there in one session
-- only in their first 30 days; and who was activated in them. Days are those of the
-- project's time zone; the first is the UTC date of `from`, the last that of the
-- last instant before `to`. A rate is NULL until the days that it looks at had
-- ended at as_of, by the clocks of the project; the numbers beside it are those so far.
-- Events without a session are in none. Bots are left out.
--
-- summary | New persons by first day: who came back after 1, 7 and 30 days, left after one session, was activated
-- param  | project | String | 'demo' | id of the project, or * for all that you may read
-- param  | activation | String | 'Product Added' | event that makes a person activated
-- param  | from | DateTime64(3, 'UTC') | today() - 60 | its UTC date is the first day
-- param  | to | DateTime64(3, 'UTC') | today() | the first day that does not count
-- param  | as_of | DateTime64(3, 'UTC') | now64(3, 'UTC') | days that had ended by then are known
-- column | project | String | id of the project
-- column | day | Date | first day of the persons, in the time zone of the project
-- column | new_persons | Int64 | persons whose first event was on the day
-- column | day1_persons | Int64 | those active on the next day
-- column | day7_persons | Int64 | those active on the 7th day after it
-- column | day30_persons | Int64 | those active on the 30th day after it
-- column | day1_rate | Nullable(Float64) | day1_persons / new_persons; NULL = not known yet, or nobody was new
-- column | day7_rate | Nullable(Float64) | day7_persons / new_persons; NULL as above
-- column | day30_rate | Nullable(Float64) | day30_persons / new_persons; NULL as above
-- column | one_session | Int64 | those with one session in their first 30 days
-- column | one_session_rate | Nullable(Float64) | one_session / new_persons; NULL as above
-- column | activated | Int64 | those activated in their first 30 days
-- column | activated_rate | Nullable(Float64) | activated / new_persons; NULL as above
-- column | complete | Bool | nothing in the row can change by time going on
CREATE OR REPLACE VIEW analytics.onboarding
DEFINER = CURRENT_USER SQL SECURITY DEFINER
AS
SELECT *
FROM touchline.onboarding_days(
    match = 'event',
    project = {project:String},
    activation = {activation:String},
    from = {from:DateTime64(3, 'UTC')},
    to = {to:DateTime64(3, 'UTC')},
    as_of = {as_of:DateTime64(3, 'UTC')})
COMMENT '${comment}'
