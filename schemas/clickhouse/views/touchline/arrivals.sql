-- The newest event and receipt of each source, and how many events it sent, bots
-- included, of the projects that the caller may read. A source has several rows:
-- combine them with max and sum. Few, because metric_days has some dozens a day.
CREATE OR REPLACE VIEW touchline.arrivals AS
SELECT
    t.project AS project,
    t.source AS source,
    t.newest_event AS newest_event,
    t.newest_receipt AS newest_receipt,
    t.events AS events
FROM touchline.metric_days AS t
WHERE (SELECT everything FROM touchline.reader) OR t.project IN (SELECT project FROM touchline.readable)
