-- analytics.onboarding of the last 60 days, for tools that cannot pass parameters; 30 days
-- would be too few to see the 30th day of anybody. Activation is told by the canonical
-- kind.
--
-- summary | New persons of each of the last 60 days: who came back, left after one session, was activated
CREATE OR REPLACE VIEW analytics.onboarding_default
(
    project          String            COMMENT 'id of the project',
    day              Date              COMMENT 'first day of the persons, in the time zone of the project',
    new_persons      Int64             COMMENT 'persons whose first event was on the day',
    day1_persons     Int64             COMMENT 'those active on the next day',
    day7_persons     Int64             COMMENT 'those active on the 7th day after it',
    day30_persons    Int64             COMMENT 'those active on the 30th day after it',
    day1_rate        Nullable(Float64) COMMENT 'day1_persons / new_persons; NULL = not known yet, or nobody was new',
    day7_rate        Nullable(Float64) COMMENT 'day7_persons / new_persons; NULL as above',
    day30_rate       Nullable(Float64) COMMENT 'day30_persons / new_persons; NULL as above',
    one_session      Int64             COMMENT 'those with one session in their first 30 days',
    one_session_rate Nullable(Float64) COMMENT 'one_session / new_persons; NULL as above',
    activated        Int64             COMMENT 'those activated in their first 30 days',
    activated_rate   Nullable(Float64) COMMENT 'activated / new_persons; NULL as above',
    complete         Bool              COMMENT 'nothing in the row can change by time going on'
)
DEFINER = CURRENT_USER SQL SECURITY DEFINER
AS
SELECT
    project,
    day,
    new_persons,
    day1_persons,
    day7_persons,
    day30_persons,
    day1_rate,
    day7_rate,
    day30_rate,
    one_session,
    one_session_rate,
    activated,
    activated_rate,
    complete
FROM touchline.onboarding_days(
    match = 'kind',
    project = '*',
    activation = 'activation',
    from = now64(3, 'UTC') - INTERVAL 60 DAY,
    to = now64(3, 'UTC'),
    as_of = now64(3, 'UTC'))
ORDER BY project, day
COMMENT '${comment}'
