-- analytics.retention_actors of one week's new persons, for tools that cannot pass
-- parameters: those of the week that holds the day 30 days ago.
--
-- summary | Who was new in the week 30 days ago, and whether they came back in the week after
CREATE OR REPLACE VIEW analytics.retention_actors_default
(
    project     String COMMENT 'id of the project',
    person_id   String COMMENT 'id of the person, 16 hex digits',
    cohort_date Date   COMMENT 'first day of the cohort',
    cohort      Int64  COMMENT 'number of the cohort',
    period      Int64  COMMENT 'number of the period',
    returned    Bool   COMMENT 'whether the person counts in the cell',
    complete    Bool   COMMENT 'the interval has ended'
)
DEFINER = CURRENT_USER SQL SECURITY DEFINER
AS
SELECT
    project,
    person_id,
    cohort_date,
    cohort,
    period,
    returned,
    complete
FROM analytics.retention_actors(
    project = '*',
    start_event = '',
    return_event = '',
    granularity = 'week',
    mode = 'first_time',
    cumulative = false,
    from = now64(3, 'UTC') - INTERVAL 30 DAY,
    cohorts = 1,
    periods = 2,
    as_of = now64(3, 'UTC'),
    cohort = 0,
    period = 1)
ORDER BY project, person_id
COMMENT '${comment}'
