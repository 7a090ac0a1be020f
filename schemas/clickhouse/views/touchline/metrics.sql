-- The rows of metric_days without bots, of the projects that the caller may read. They
-- add up: there may be several for a day, event, channel and currency.
CREATE OR REPLACE VIEW touchline.metrics AS
SELECT
    t.project AS project,
    t.day AS day,
    t.event AS event,
    t.channel AS channel,
    t.currency AS currency,
    t.events AS events,
    t.orders AS orders,
    t.revenue AS revenue
FROM touchline.metric_days AS t
WHERE NOT t.is_bot
  AND ((SELECT everything FROM touchline.reader) OR t.project IN (SELECT project FROM touchline.readable))
