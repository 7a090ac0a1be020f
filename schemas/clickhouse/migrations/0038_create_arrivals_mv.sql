-- Fills arrivals.
CREATE MATERIALIZED VIEW IF NOT EXISTS touchline.arrivals_mv TO touchline.arrivals
DEFINER = CURRENT_USER SQL SECURITY DEFINER
AS SELECT
    project,
    source,
    max(event_time) AS newest_event,
    max(received_at) AS newest_receipt,
    count() AS events
FROM touchline.touchpoints
GROUP BY project, source
