-- An ordered funnel: how many persons reached each step, who is still under way,
-- who fell out, and how long a step took. The rule is that of
-- touchline.funnel_persons. For each step but the last:
--
--   persons = persons at the next step + pending + dropped
--
-- Each person is an array of ones, as long as their level; adding the arrays up
-- place by place counts the persons at each step without a row per person and
-- step. The constant key does nothing but let ClickHouse leave out what the caller
-- leaves out: persons without times cost a third. It computes every column of an
-- aggregation that has no key.
--
-- Parameters and columns are a public contract and never change: a new mode is a
-- new view.
CREATE OR REPLACE VIEW analytics.funnel
DEFINER = CURRENT_USER SQL SECURITY DEFINER
AS
WITH length({steps:Array(String)}) AS step_count
SELECT
    toInt64(step) AS step,
    {steps:Array(String)}[step] AS event,
    persons_at[step] AS persons,
    pending_at[step] AS pending,
    if(step < step_count, persons_at[step] - persons_at[step + 1] - pending_at[step], 0) AS dropped,
    if(persons_at[1] = 0, 0, persons_at[step] / persons_at[1]) AS conversion_total,
    if(persons_at[greatest(step - 1, 1)] = 0, 0, persons_at[step] / persons_at[greatest(step - 1, 1)]) AS conversion_step,
    p50_at[step] AS median_seconds,
    p90_at[step] AS p90_seconds
FROM
(
    SELECT
        1 AS one,
        arrayJoin(range(1, step_count + 1)) AS step
) AS every_step
LEFT JOIN
(
    SELECT
        1 AS one,
        arrayResize(sumForEach(arrayWithConstant(level, toInt64(1))), step_count, 0) AS persons_at,
        arrayResize(sumForEach(arrayPushBack(arrayWithConstant(level - 1, toInt64(0)), toInt64(open))), step_count, 0) AS pending_at,
        arrayResize(arrayPushFront(quantileExactInclusiveForEach(0.5)(step_seconds), 0), step_count, 0) AS p50_at,
        arrayResize(arrayPushFront(quantileExactInclusiveForEach(0.9)(step_seconds), 0), step_count, 0) AS p90_at
    FROM
    (
        SELECT
            level,
            arrayMap(ms -> ms / 1000., arrayPopFront(arrayDifference(times))) AS step_seconds,
            level < step_count
                AND last_entry + toInt64({window_seconds:UInt64}) * 1000 >= toUnixTimestamp64Milli({as_of:DateTime64(3, 'UTC')})
                AS open
        FROM touchline.funnel_persons(
            project = {project:String},
            steps = {steps:Array(String)},
            window_seconds = {window_seconds:UInt64},
            from = {from:DateTime64(3, 'UTC')},
            to = {to:DateTime64(3, 'UTC')})
    )
    GROUP BY one
) AS total ON total.one = every_step.one
ORDER BY step
-- The caller's own setting would turn nobody into NULL.
SETTINGS join_use_nulls = 0
COMMENT 'Ordered funnel. Call: analytics.funnel(project = ''demo'', steps = [''page_view'', ''signup''], window_seconds = 604800, from = now64(3, ''UTC'') - INTERVAL 30 DAY, to = now64(3, ''UTC''), as_of = now64(3, ''UTC'')). Columns: step, event, persons (reached it), pending (their window is open), dropped (before the next step), conversion_total, conversion_step, median_seconds and p90_seconds (from the step before)'
