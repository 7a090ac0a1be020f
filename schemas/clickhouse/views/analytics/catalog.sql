-- The views that take parameters, for people and tools that look for them: schema
-- browsers show such a view without columns. One row per parameter and column.
CREATE OR REPLACE VIEW analytics.catalog
(
    view        String  COMMENT 'name of the view',
    part        String  COMMENT 'parameter or column',
    position    Int64   COMMENT 'from 1',
    name        String  COMMENT 'name of the parameter or column',
    type        String  COMMENT 'ClickHouse type',
    description String  COMMENT 'meaning and unit',
    example     String  COMMENT 'SQL text of a value of the parameter; empty for a column'
)
DEFINER = CURRENT_USER SQL SECURITY DEFINER
AS
SELECT
    entry.1 AS view,
    entry.2 AS part,
    row_number() OVER (PARTITION BY entry.1, entry.2 ORDER BY number) AS position,
    entry.3 AS name,
    entry.4 AS type,
    entry.5 AS description,
    entry.6 AS example
FROM
(
    SELECT
        arrayJoin(arrayEnumerate(entries)) AS number,
        entries[number] AS entry
    FROM
    (
        SELECT [
            ('funnel', 'parameter', 'project', 'String', 'id of the project', '''demo'''),
            ('funnel', 'parameter', 'steps', 'Array(String)', '1 to 10 different event names, in order', '[''page_view'', ''signup'']'),
            ('funnel', 'parameter', 'window_seconds', 'UInt64', 'time from step 1 to the last step, 1 to 31622400', '604800'),
            ('funnel', 'parameter', 'from', 'DateTime64(3, ''UTC'')', 'step 1 counts from here', 'now64(3, ''UTC'') - INTERVAL 30 DAY'),
            ('funnel', 'parameter', 'to', 'DateTime64(3, ''UTC'')', 'step 1 counts before this', 'now64(3, ''UTC'')'),
            ('funnel', 'parameter', 'as_of', 'DateTime64(3, ''UTC'')', 'a person whose window is open at this time is pending', 'now64(3, ''UTC'')'),
            ('funnel', 'column', 'step', 'Int64', 'number of the step, from 1', ''),
            ('funnel', 'column', 'event', 'String', 'event of the step', ''),
            ('funnel', 'column', 'persons', 'Int64', 'who reached the step', ''),
            ('funnel', 'column', 'pending', 'Int64', 'who may still go on', ''),
            ('funnel', 'column', 'dropped', 'Int64', 'who fell out before the next step', ''),
            ('funnel', 'column', 'conversion_total', 'Float64', 'persons / persons of step 1', ''),
            ('funnel', 'column', 'conversion_step', 'Float64', 'persons / persons of the step before', ''),
            ('funnel', 'column', 'median_seconds', 'Float64', 'median time from the step before', ''),
            ('funnel', 'column', 'p90_seconds', 'Float64', '90th percentile of it', ''),
            ('drop_off_next', 'parameter', 'project', 'String', 'id of the project', '''demo'''),
            ('drop_off_next', 'parameter', 'steps', 'Array(String)', '1 to 10 different event names, in order', '[''page_view'', ''signup'']'),
            ('drop_off_next', 'parameter', 'window_seconds', 'UInt64', 'time from step 1 to the last step, 1 to 31622400', '604800'),
            ('drop_off_next', 'parameter', 'from', 'DateTime64(3, ''UTC'')', 'step 1 counts from here', 'now64(3, ''UTC'') - INTERVAL 30 DAY'),
            ('drop_off_next', 'parameter', 'to', 'DateTime64(3, ''UTC'')', 'step 1 counts before this', 'now64(3, ''UTC'')'),
            ('drop_off_next', 'parameter', 'as_of', 'DateTime64(3, ''UTC'')', 'only those whose window closed before this', 'now64(3, ''UTC'')'),
            ('drop_off_next', 'parameter', 'after_step', 'UInt8', 'the last step they reached, less than the number of steps', '1'),
            ('drop_off_next', 'parameter', 'horizon_seconds', 'UInt64', 'how long to look, 1 to 31622400', '86400'),
            ('drop_off_next', 'column', 'next_event', 'String', 'first event afterwards; (nothing) = none', ''),
            ('drop_off_next', 'column', 'persons', 'Int64', 'how many', ''),
            ('drop_off_next', 'column', 'median_seconds', 'Float64', 'median time since their last step; 0 for (nothing)', ''),
            ('retention', 'parameter', 'project', 'String', 'id of the project', '''demo'''),
            ('retention', 'parameter', 'start_event', 'String', 'what puts a person into a cohort; empty = any event', '''signup'''),
            ('retention', 'parameter', 'return_event', 'String', 'what counts as coming back; empty = any event', ''''''),
            ('retention', 'parameter', 'granularity', 'String', 'day, week (from Monday) or month', '''day'''),
            ('retention', 'parameter', 'mode', 'String', 'recurring (a cohort for each interval with start_event) or first_time (of all history)', '''first_time'''),
            ('retention', 'parameter', 'cumulative', 'Bool', 'count a person at every period up to their last return', 'false'),
            ('retention', 'parameter', 'from', 'DateTime64(3, ''UTC'')', 'its UTC date lies in the first cohort', 'today() - 30'),
            ('retention', 'parameter', 'cohorts', 'UInt16', 'number of cohorts, 1 to 1000', '30'),
            ('retention', 'parameter', 'periods', 'UInt16', 'number of periods, 1 to 1000', '15'),
            ('retention', 'parameter', 'as_of', 'DateTime64(3, ''UTC'')', 'a cell is complete when its interval ended before this date', 'today()'),
            ('retention', 'column', 'cohort_date', 'Date', 'first day of the cohort', ''),
            ('retention', 'column', 'cohort', 'Int64', 'number of the cohort, from 0', ''),
            ('retention', 'column', 'period', 'Int64', 'number of the interval after the cohort''s own, which is 0', ''),
            ('retention', 'column', 'persons', 'Int64', 'who came back; in period 0, the cohort', ''),
            ('retention', 'column', 'cohort_size', 'Int64', 'persons of the cohort', ''),
            ('retention', 'column', 'complete', 'Bool', 'the interval has ended', '')
        ] AS entries
    )
)
ORDER BY view, part DESC, position
COMMENT 'Views that take parameters, with their parameters and columns'
