-- In which intervals each person did the start event and the return event: the
-- shared core of the retention views. Intervals are days, weeks from Monday, or
-- months, in the time zone of the project, counted from the one that holds `from`
-- (0); earlier ones are negative and may be incomplete.
--
--   start_intervals, return_intervals   without repetition, in no order
CREATE OR REPLACE VIEW touchline.person_intervals AS
-- dateDiff would refuse an unknown unit before good_retention can say what is wrong.
WITH if({granularity:String} IN ('week', 'month'), {granularity:String}, 'day') AS unit
SELECT
    dictGetOrDefault('touchline.person_map', 'new_id', p.person_id, p.person_id) AS person_id,
    groupUniqArrayArrayIf(intervals, event = {start_event:String}) AS start_intervals,
    groupUniqArrayArrayIf(intervals, event = {return_event:String}) AS return_intervals
FROM
(
    SELECT
        person_id,
        event,
        arrayDistinct(arrayMap(
            d -> toInt32(dateDiff(unit, toDate({from:DateTime64(3, 'UTC')}), month + d)),
            bitPositionsToArray(days)
        )) AS intervals
    FROM touchline.person_days
    WHERE project = {project:String}
      AND (SELECT ok FROM touchline.allowed(project = {project:String}))
      AND event IN ({start_event:String}, {return_event:String})
      -- The week that holds `from` may begin in the month before.
      AND month >= toStartOfMonth(toMonday(toDate({from:DateTime64(3, 'UTC')})))
) AS p
GROUP BY person_id
