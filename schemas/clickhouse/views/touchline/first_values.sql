-- The first value that each member of a retention table had in a column of
-- touchline.events, over all history: what retention_by divides persons by. Who never
-- had one has no row. Equal times are told apart by the place in the log, so the order
-- of arrival is of no importance.
--
-- How persons were won is taken from what is kept of each person; every other column
-- is read from all events, for the members only, because a state for every person of
-- all history would be more than a query may have. The name of the table is that of
-- the parameter, so that the error about an unknown column says which one it was.
CREATE OR REPLACE VIEW touchline.first_values AS
WITH
    {by:String} = 'acquisition_channel' AS is_kept,
    members AS
    (
        SELECT person_id
        FROM touchline.retention_members(
            project = {project:String},
            start_event = {start_event:String},
            return_event = {start_event:String},
            granularity = {granularity:String},
            mode = {mode:String},
            cumulative = false,
            from = {from:DateTime64(3, 'UTC')},
            cohorts = {cohorts:UInt16},
            -- Who is in a cohort does not depend on the periods.
            periods = 1)
    )
SELECT
    a.person_id AS person_id,
    splitByChar('\x01', argMinMerge(a.first_touch))[1] AS value
FROM touchline.acquisitions AS a
WHERE is_kept
  AND ({project:String} = '*' OR a.project = {project:String})
  AND a.person_id IN (members)
GROUP BY person_id
UNION ALL
SELECT
    by.person_id AS person_id,
    argMin(toString(by.{by:Identifier}), bitOr(
        bitShiftLeft(toUInt128(by.ms), 80),
        bitOr(bitShiftLeft(toUInt128(by.src_partition), 64), toUInt128(by.src_offset)))) AS value
FROM touchline.events AS by
WHERE NOT is_kept
  AND ({project:String} = '*' OR by.project = {project:String})
  AND toString(by.{by:Identifier}) != ''
  AND by.person_id IN (members)
GROUP BY person_id
