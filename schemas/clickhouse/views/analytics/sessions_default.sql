-- analytics.sessions for tools that cannot give parameters: every project that the caller
-- may read, the last 30 days.
--
-- summary | Sessions of the last 30 days, one row each
CREATE OR REPLACE VIEW analytics.sessions_default
(
    project             String               COMMENT 'id of the project',
    session_id          String               COMMENT 'the session, 16 hex digits',
    person_id           String               COMMENT 'who did its last event, unified, 16 hex digits',
    started_at          DateTime64(3, 'UTC') COMMENT 'first event; the time column',
    day                 Date                 COMMENT 'day of the first event in the time zone of the project',
    ended_at            DateTime64(3, 'UTC') COMMENT 'last event',
    duration_seconds    Float64              COMMENT 'from the first to the last event',
    events              Int64                COMMENT 'number of events',
    pages               Int64                COMMENT 'page and screen views',
    entry_host          String               COMMENT 'host of the first page',
    entry_page          String               COMMENT 'path of the first page or name of the first screen; empty = none',
    exit_page           String               COMMENT 'the same of the last',
    is_bounce           Bool                 COMMENT 'the visitor did at most one thing',
    is_new              Bool                 COMMENT 'the person did nothing before',
    acquisition_channel String               COMMENT 'how the session was won; empty = nothing tells',
    utm_source          String               COMMENT 'campaign parameter',
    utm_medium          String               COMMENT 'campaign parameter',
    utm_campaign        String               COMMENT 'campaign parameter',
    referrer_host       String               COMMENT 'host that led here',
    device_type         String               COMMENT 'desktop, mobile, tablet, ...',
    os                  String               COMMENT 'operating system',
    browser             String               COMMENT 'browser',
    country             String               COMMENT 'ISO 3166 code',
    conversions         Int64                COMMENT 'orders, sign-ups, leads and starts of subscriptions',
    orders              Int64                COMMENT 'events of the kind order',
    revenue             Decimal(18, 4)       COMMENT 'sum of revenue in currency, at most 99999999999999.9999 in size',
    currency            String               COMMENT 'ISO 4217 code; empty = none, (mixed) = several'
)
DEFINER = CURRENT_USER SQL SECURITY DEFINER
AS
SELECT
    project,
    session_id,
    person_id,
    started_at,
    day,
    ended_at,
    duration_seconds,
    events,
    pages,
    entry_host,
    entry_page,
    exit_page,
    is_bounce,
    is_new,
    acquisition_channel,
    utm_source,
    utm_medium,
    utm_campaign,
    referrer_host,
    device_type,
    os,
    browser,
    country,
    conversions,
    orders,
    revenue,
    currency
FROM analytics.sessions(
    project = '*',
    from = now64(3, 'UTC') - INTERVAL 30 DAY,
    to = now64(3, 'UTC'))
COMMENT '${comment}'
