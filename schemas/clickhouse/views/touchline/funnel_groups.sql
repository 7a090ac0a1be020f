-- An ordered funnel, divided by a value of its persons (touchline.funnel_persons says
-- which): one row for each group, of which the members are arrays with a place for
-- each step.
--
--   value          one of the top values by who entered, of equals the smaller text;
--                  'Other' = all beyond; '(not set)' and '(not reached)' stand by
--                  themselves and take no place of the top
--   persons_at     who did the step
--   pending_at     who did the step, none after it, and has an open window at as_of
--   from_previous  median, 75th and 90th percentile of the seconds since the step
--                  before; from the second step on
--   from_first     the same since step 1
--
-- Each person is an array of ones, as long as their level; adding the arrays up
-- place by place counts the persons at each step without a row per person and
-- step. Groups are counted before they are ranked, and those beyond the top merged
-- afterwards, so that persons are computed once.
CREATE OR REPLACE VIEW touchline.funnel_groups AS
WITH length({steps:Array(String)}) AS step_count
SELECT
    project,
    multiIf(special, group_value, position <= {top:UInt64}, group_value, 'Other') AS value,
    arrayResize(sumForEach(persons_at), step_count, 0) AS persons_at,
    arrayResize(sumForEach(pending_at), step_count, 0) AS pending_at,
    quantilesExactInclusiveForEachMerge(0.5, 0.75, 0.9)(previous_state) AS from_previous,
    quantilesExactInclusiveForEachMerge(0.5, 0.75, 0.9)(first_state) AS from_first
FROM
(
    SELECT
        project,
        group_value,
        group_value IN ('(not set)', '(not reached)') AS special,
        row_number() OVER (PARTITION BY project, special ORDER BY persons_at[1] DESC, group_value) AS position,
        persons_at,
        pending_at,
        previous_state,
        first_state
    FROM
    (
        SELECT
            project,
            if(value = '', '(not set)', value) AS group_value,
            sumForEach(arrayWithConstant(level, toInt64(1))) AS persons_at,
            sumForEach(arrayPushBack(arrayWithConstant(level - 1, toInt64(0)), toInt64(open))) AS pending_at,
            quantilesExactInclusiveForEachState(0.5, 0.75, 0.9)(previous_seconds) AS previous_state,
            quantilesExactInclusiveForEachState(0.5, 0.75, 0.9)(first_seconds) AS first_state
        FROM
        (
            SELECT
                project,
                value,
                level,
                arrayMap(ms -> ms / 1000., arrayPopFront(arrayDifference(times))) AS previous_seconds,
                arrayMap(at -> (at - times[1]) / 1000., arrayPopFront(times)) AS first_seconds,
                level < step_count
                    AND last_entry + toInt64({window_seconds:UInt64}) * 1000 >= toUnixTimestamp64Milli({as_of:DateTime64(3, 'UTC')})
                    AS open
            FROM touchline.funnel_persons(
                project = {project:String},
                on = {on:String},
                steps = {steps:Array(String)},
                window_seconds = {window_seconds:UInt64},
                from = {from:DateTime64(3, 'UTC')},
                to = {to:DateTime64(3, 'UTC')},
                by = {by:String},
                attribution = {attribution:String},
                attribution_step = {attribution_step:UInt8})
        )
        GROUP BY project, group_value
    )
)
WHERE (SELECT ok FROM touchline.good_top(top = {top:UInt64}))
GROUP BY project, value
