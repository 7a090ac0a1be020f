-- The first value that each person had in a column of touchline.events, over all
-- history: what retention_by divides persons by. Who never had one has no row. Equal
-- times are told apart by the place in the log, so the order of arrival is of no
-- importance.
CREATE OR REPLACE VIEW touchline.first_values AS
SELECT
    e.person_id AS person_id,
    toString(argMin({by:Identifier}, (e.ms, e.src_partition, e.src_offset))) AS value
FROM touchline.events AS e
WHERE ({project:String} = '*' OR e.project = {project:String})
  AND {by:Identifier} != ''
GROUP BY person_id
