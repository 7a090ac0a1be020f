-- How far each partition of the raw log had landed when an auditor last wrote: the
-- ledger compares what lies up to there. An auditor's round is one insert, and a
-- query sees one state of a table however often it names it, so the mark belongs to
-- the rows of ledger_accepted that the same query reads.
CREATE OR REPLACE VIEW touchline.ledger_marks AS
SELECT
    src_topic,
    src_partition,
    max(mark) AS mark
FROM touchline.ledger_accepted
GROUP BY src_topic, src_partition
