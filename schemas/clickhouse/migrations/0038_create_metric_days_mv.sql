-- Fills metric_days: a block of events becomes some dozens of rows. All keys are of few
-- values or of fixed size, which makes them one number when rows are grouped.
CREATE MATERIALIZED VIEW IF NOT EXISTS touchline.metric_days_mv TO touchline.metric_days
DEFINER = CURRENT_USER SQL SECURITY DEFINER
AS SELECT
    t.project AS project,
    t.day AS day,
    t.event AS event,
    t.channel AS channel,
    if(t.revenue = 0, '', t.currency) AS currency,
    t.source AS source,
    t.is_bot AS is_bot,
    count() AS events,
    countIf(t.kind = 'order') AS orders,
    sum(t.revenue) AS revenue,
    max(t.event_time) AS newest_event,
    max(t.received_at) AS newest_receipt
FROM touchline.touchpoints AS t
GROUP BY project, day, event, channel, currency, source, is_bot
