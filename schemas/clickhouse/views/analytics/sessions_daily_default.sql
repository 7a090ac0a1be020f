-- analytics.sessions_daily for tools that cannot give parameters: every project that the caller
-- may read, the last 30 days.
--
-- summary | Sessions of the last 30 days by day and acquisition channel
CREATE OR REPLACE VIEW analytics.sessions_daily_default
(
    project                 String         COMMENT 'id of the project',
    day                     Date           COMMENT 'first day of the interval in the time zone of the project',
    breakdown               String         COMMENT 'the value; (not set) = empty, Other = beyond top',
    sessions                Int64          COMMENT 'sessions that began in the interval',
    visitors                Int64          COMMENT 'persons who had them; they do not add up',
    new_visitors            Int64          COMMENT 'of them those who did nothing before',
    returning_visitors      Int64          COMMENT 'the others',
    bounces                 Int64          COMMENT 'sessions in which the visitor did at most one thing',
    bounce_rate             Float64        COMMENT 'bounces / sessions',
    pages                   Int64          COMMENT 'page and screen views',
    pages_per_session       Float64        COMMENT 'pages / sessions',
    avg_seconds             Float64        COMMENT 'average duration',
    median_seconds          Float64        COMMENT 'median duration',
    conversions             Int64          COMMENT 'orders, sign-ups, leads and starts of subscriptions',
    conversions_per_session Float64        COMMENT 'conversions / sessions',
    revenue                 Decimal(18, 4) COMMENT 'sum of revenue in currency, at most 99999999999999.9999 in size',
    currency                String         COMMENT 'ISO 4217 code; empty = none, (mixed) = several'
)
DEFINER = CURRENT_USER SQL SECURITY DEFINER
AS
SELECT
    project,
    day,
    breakdown,
    sessions,
    visitors,
    new_visitors,
    returning_visitors,
    bounces,
    bounce_rate,
    pages,
    pages_per_session,
    avg_seconds,
    median_seconds,
    conversions,
    conversions_per_session,
    revenue,
    currency
FROM analytics.sessions_daily(
    project = '*',
    from = now64(3, 'UTC') - INTERVAL 30 DAY,
    to = now64(3, 'UTC'),
    granularity = 'day',
    by = 'acquisition_channel',
    top = 20)
COMMENT '${comment}'
