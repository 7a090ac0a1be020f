-- Fills metric_days: a block of events becomes some dozens of rows.
CREATE MATERIALIZED VIEW IF NOT EXISTS touchline.metric_days_mv TO touchline.metric_days
DEFINER = CURRENT_USER SQL SECURITY DEFINER
AS SELECT
    t.project AS project,
    t.day AS day,
    t.event AS event,
    t.channel AS channel,
    if(t.revenue = 0, '', toString(t.currency)) AS currency,
    count() AS events,
    countIf(t.kind = 'order') AS orders,
    sum(t.revenue) AS revenue
FROM touchline.touchpoints AS t
WHERE NOT t.is_bot
GROUP BY project, day, event, channel, currency
