-- An ordered funnel: how many persons reached each step, who is still under way,
-- who fell out, and how long a step took. The rule is that of
-- touchline.funnel_persons. For each step but the last:
--
--   persons = persons at the next step + pending + dropped
--
-- Each person is an array of ones, as long as their level; adding the arrays up
-- place by place counts the persons at each step without a row per person and
-- step.
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
    reached AS persons,
    still_open AS pending,
    if(step < step_count, reached - reached_next - still_open, 0) AS dropped,
    if(entered = 0, 0, reached / entered) AS conversion_total,
    if(reached_before = 0, 0, reached / reached_before) AS conversion_step,
    p50 AS median_seconds,
    p90 AS p90_seconds
FROM
(
    SELECT
        arrayResize(sumForEach(arrayWithConstant(level, toInt64(1))), step_count, 0) AS persons_at,
        arrayResize(sumForEach(arrayPushBack(arrayWithConstant(level - 1, toInt64(0)), toInt64(open))), step_count, 0) AS open_at,
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
)
ARRAY JOIN
    arrayEnumerate(persons_at) AS step,
    persons_at AS reached,
    arrayPushFront(arrayPopBack(persons_at), persons_at[1]) AS reached_before,
    arrayPushBack(arrayPopFront(persons_at), 0) AS reached_next,
    arrayWithConstant(length(persons_at), persons_at[1]) AS entered,
    open_at AS still_open,
    p50_at AS p50,
    p90_at AS p90
COMMENT 'Ordered funnel. Call: analytics.funnel(project = ''demo'', steps = [''page_view'', ''signup''], window_seconds = 604800, from = now64(3, ''UTC'') - INTERVAL 30 DAY, to = now64(3, ''UTC''), as_of = now64(3, ''UTC'')). Columns: step, event, persons (reached it), pending (their window is open), dropped (before the next step), conversion_total, conversion_step, median_seconds and p90_seconds (from the step before)'
