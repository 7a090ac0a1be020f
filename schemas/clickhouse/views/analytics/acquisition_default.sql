-- analytics.acquisition for tools that cannot give parameters: every project that the caller
-- may read, the last 30 days.
--
-- summary | Persons, customers and revenue of the last 30 days by first and by last acquisition channel
CREATE OR REPLACE VIEW analytics.acquisition_default
(
    project         String         COMMENT 'id of the project',
    touch           String         COMMENT 'first or last',
    breakdown       String         COMMENT 'the value; (not set) = unknown, Other = beyond top',
    persons         Int64          COMMENT 'who did anything',
    customers       Int64          COMMENT 'of them those who ordered',
    conversion_rate Float64        COMMENT 'customers / persons',
    orders          Int64          COMMENT 'events of the kind order',
    revenue         Decimal(18, 4) COMMENT 'sum of revenue in currency, at most 99999999999999.9999 in size',
    currency        String         COMMENT 'ISO 4217 code; empty = none, (mixed) = several'
)
DEFINER = CURRENT_USER SQL SECURITY DEFINER
AS
SELECT
    project,
    touch,
    breakdown,
    persons,
    customers,
    conversion_rate,
    orders,
    revenue,
    currency
FROM analytics.acquisition(
    project = '*',
    from = now64(3, 'UTC') - INTERVAL 30 DAY,
    to = now64(3, 'UTC'),
    by = 'channel',
    top = 20)
COMMENT '${comment}'
