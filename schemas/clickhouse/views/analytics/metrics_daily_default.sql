-- analytics.metrics_daily of the last 30 days and of today, for tools that cannot pass
-- parameters.
--
-- summary | Events, persons, orders and revenue of each of the last 30 days by channel
CREATE OR REPLACE VIEW analytics.metrics_daily_default
(
    project  String         COMMENT 'id of the project',
    day      Date           COMMENT 'day in the time zone of the project',
    channel  String         COMMENT 'where it took place: web, app, email, ...; (not set) = unknown',
    events   Int64          COMMENT 'number of events',
    persons  Int64          COMMENT 'persons with an event in the channel; they do not add up',
    orders   Int64          COMMENT 'events of the kind order',
    revenue  Decimal(18, 4) COMMENT 'sum of revenue in currency, at most 99999999999999.9999 in size',
    currency String         COMMENT 'ISO 4217 code of the revenue; empty = none, (mixed) = several',
    complete Bool           COMMENT 'the day has ended'
)
DEFINER = CURRENT_USER SQL SECURITY DEFINER
AS
SELECT
    project,
    day,
    channel,
    events,
    persons,
    orders,
    revenue,
    currency,
    complete
FROM analytics.metrics_daily(
    project = '*',
    event = '',
    currency = '',
    from = now64(3, 'UTC') - INTERVAL 30 DAY,
    to = now64(3, 'UTC'),
    as_of = now64(3, 'UTC'))
ORDER BY project, day, channel
COMMENT '${comment}'
