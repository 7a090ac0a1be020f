-- The carts of the last 30 days that were left for a day: analytics.abandoned for tools
-- that cannot pass parameters.
--
-- summary | Carts of the last 30 days that were left without an order for a day
CREATE OR REPLACE VIEW analytics.abandoned_default
(
    project     String               COMMENT 'id of the project',
    person_id   String               COMMENT 'the person, 16 hex digits',
    user_id     String               COMMENT 'latest user id of the person in a cart or an order: whom to write to; empty = unknown',
    cart_at     DateTime64(3, 'UTC') COMMENT 'when the cart was touched last; the time column',
    day         Date                 COMMENT 'day of cart_at in the time zone of the project',
    stage       String               COMMENT 'kind of the last touch: cart_add, checkout_start, checkout_step or payment_info',
    cart_adds   Int64                COMMENT 'times something was put in since the order before',
    value       Decimal(18, 4)       COMMENT 'what the latest touch since the order before says that the cart is worth: its revenue, else value, total, revenue or price x quantity in its properties; 0 = no touch says it',
    currency    String               COMMENT 'currency of value',
    channel     String               COMMENT 'channel of the last touch',
    device_type String               COMMENT 'device of the last touch',
    page        String               COMMENT 'page or event of the last touch',
    recovered   Bool                 COMMENT 'an order came after all, before as_of'
)
DEFINER = CURRENT_USER SQL SECURITY DEFINER
AS
SELECT
    project,
    person_id,
    user_id,
    cart_at,
    day,
    stage,
    cart_adds,
    value,
    currency,
    channel,
    device_type,
    page,
    recovered
FROM analytics.abandoned(
    project = '*',
    from = now64(3, 'UTC') - INTERVAL 30 DAY,
    to = now64(3, 'UTC'),
    as_of = now64(3, 'UTC'),
    after_seconds = 86400)
COMMENT '${comment}'
