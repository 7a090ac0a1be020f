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
    if({project:String} = '*', any(p.of_project), {project:String}) AS project,
    p.person_id AS person_id,
    groupUniqArrayArrayIf(p.intervals, p.event = {start_event:String}) AS start_intervals,
    groupUniqArrayArrayIf(p.intervals, p.event = {return_event:String}) AS return_intervals
FROM
(
    SELECT
        d.project AS of_project,
        d.person_id AS person_id,
        d.event AS event,
        arrayDistinct(arrayMap(
            bit -> toInt32(dateDiff(unit, toDate({from:DateTime64(3, 'UTC')}), d.month + bit)),
            bitPositionsToArray(d.days)
        )) AS intervals
    FROM touchline.days AS d
    WHERE ({project:String} = '*' OR d.project = {project:String})
      AND (SELECT ok FROM touchline.allowed(project = {project:String}))
      AND d.event IN ({start_event:String}, {return_event:String})
      -- The week that holds `from` may begin in the month before.
      AND d.month >= toStartOfMonth(toMonday(toDate({from:DateTime64(3, 'UTC')})))
) AS p
GROUP BY person_id
