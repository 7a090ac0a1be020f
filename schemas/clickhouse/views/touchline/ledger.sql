-- What adds up to the ledger: accepted, in_flight and uncounted from the auditor,
-- the rest from ClickHouse, up to the mark to which the auditor has counted; the
-- rows of a chunk are all on one side of it. The rows are summands: several to a
-- minute, each with 0 in most columns.
--
-- lost_retention: outcomes has a lost range under no project, because whoever found
-- it could not read it. Where the auditor had read the records before they expired
-- it moves them to their projects (the column lost).
CREATE OR REPLACE VIEW touchline.ledger AS
SELECT
    src_topic, src_partition, project, minute,
    toInt64(events) AS accepted, toInt64(0) AS stored, toInt64(0) AS duplicate, toInt64(0) AS rejected, toInt64(0) AS dropped,
    lost AS lost_retention, toInt64(in_flight) AS in_flight, toInt64(uncounted) AS uncounted
FROM touchline.ledger_accepted FINAL
UNION ALL
SELECT
    l.src_topic, l.src_partition, l.project, l.minute,
    0, toInt64(l.events), 0, 0, 0, 0, 0, 0
FROM touchline.landed AS l
INNER JOIN touchline.ledger_marks AS m USING (src_topic, src_partition)
WHERE l.max_offset <= m.mark
UNION ALL
SELECT
    o.src_topic, o.src_partition, o.project, o.minute,
    0, 0, if(o.outcome = 'duplicate', toInt64(o.events), 0), if(o.outcome = 'rejected', toInt64(o.events), 0),
    if(o.outcome = 'dropped', toInt64(o.events), 0), if(o.outcome = 'lost_retention', toInt64(o.events), 0), 0, 0
FROM touchline.outcomes AS o
INNER JOIN touchline.ledger_marks AS m USING (src_topic, src_partition)
WHERE o.cut <= m.mark AND o.outcome != 'stored'
