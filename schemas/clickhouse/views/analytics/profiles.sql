-- What is known of each person, one row a person. FINAL picks the latest version
-- of a row; the table is small.
--
-- summary | One row per person
CREATE OR REPLACE VIEW analytics.profiles
(
    project        String               COMMENT 'id of the project',
    person_id      String               COMMENT 'the person, 16 hex digits',
    user_id        String               COMMENT 'id of the user; empty = not identified',
    email          String               COMMENT 'trait as last set',
    name           String               COMMENT 'trait as last set',
    company        String               COMMENT 'trait as last set',
    role           String               COMMENT 'trait as last set',
    country        String               COMMENT 'ISO 3166 code',
    stage          String               COMMENT 'stage of the life cycle',
    stage_since    DateTime64(3, 'UTC') COMMENT 'when that stage was reached',
    first_channel  String               COMMENT 'acquisition channel of the first visit',
    first_campaign String               COMMENT 'campaign of the first visit',
    first_seen     DateTime64(3, 'UTC') COMMENT 'earliest event',
    last_seen      DateTime64(3, 'UTC') COMMENT 'latest event; the time column',
    events         Int64                COMMENT 'number of events',
    orders         Int64                COMMENT 'number of orders',
    revenue        Decimal(18, 4)       COMMENT 'sum in currency',
    currency       String               COMMENT 'ISO 4217 code',
    as_of          DateTime64(3, 'UTC') COMMENT 'when the last event was taken in',
    version        Int64                COMMENT 'grows with each event taken in'
)
DEFINER = CURRENT_USER SQL SECURITY DEFINER
AS
SELECT
    p.project,
    leftPad(hex(p.person_id), 16, '0') AS person_id,
    p.user_id,
    p.email,
    p.name,
    p.company,
    p.role,
    p.country,
    p.stage,
    p.stage_since,
    p.first_channel,
    p.first_campaign,
    p.first_seen,
    p.last_seen,
    p.events,
    p.orders,
    p.revenue,
    p.currency,
    p.as_of,
    p.version
FROM touchline.profiles AS p FINAL
WHERE (SELECT everything FROM touchline.reader) OR p.project IN (SELECT project FROM touchline.readable)
COMMENT '${comment}'
