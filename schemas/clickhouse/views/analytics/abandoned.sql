-- Carts that were left open: of each person the last touchpoint of a cart (kinds cart_add,
-- checkout_start, checkout_step, payment_info) in [from, to), if after_seconds have
-- passed since at as_of, and no order was made at the same instant or within
-- after_seconds, inclusive. Of simultaneous touchpoints the one that the raw log holds
-- last counts. What is taken out of a cart again is not looked at.
--
-- The worth of a cart is no revenue, so it stays in the properties: it is the first of
-- their members value, total and revenue that is an amount, a number or the text of one,
-- of up to a thousand million either way, or else price times quantity (1 without one).
--
-- summary | Carts that were left without an order: who, when, how far, and of what value
-- param  | project | String | 'demo' | id of the project, or * for all that you may read
-- param  | from | DateTime64(3, 'UTC') | now64(3, 'UTC') - INTERVAL 30 DAY | carts touched last from here
-- param  | to | DateTime64(3, 'UTC') | now64(3, 'UTC') | and before this
-- param  | as_of | DateTime64(3, 'UTC') | now64(3, 'UTC') | what happens from here on is not looked at
-- param  | after_seconds | UInt64 | 86400 | how long an order may take until a cart counts as left, 1 to 31622400
-- column | project | String | id of the project
-- column | person_id | String | the person, 16 hex digits
-- column | user_id | String | latest user id of the person in a cart or an order: whom to write to; empty = unknown
-- column | cart_at | DateTime64(3, 'UTC') | when the cart was touched last; the time column
-- column | day | Date | day of cart_at in the time zone of the project
-- column | stage | String | kind of the last touch: cart_add, checkout_start, checkout_step or payment_info
-- column | cart_adds | Int64 | times something was put in since the order before
-- column | value | Decimal(18, 4) | what the latest touch since the order before says that the cart is worth: its revenue, else value, total, revenue or price x quantity in its properties; 0 = no touch says it
-- column | currency | String | currency of value
-- column | channel | String | channel of the last touch
-- column | device_type | String | device of the last touch
-- column | page | String | page or event of the last touch
-- column | recovered | Bool | an order came after all, before as_of
CREATE OR REPLACE VIEW analytics.abandoned
DEFINER = CURRENT_USER SQL SECURITY DEFINER
AS
WITH
    e.kind IN ('cart_add', 'checkout_start', 'checkout_step', 'payment_info') AND e.event_time < {to:DateTime64(3, 'UTC')} AS in_cart,
    bitShiftLeft(toUInt128(toUInt64(e.ms)), 80)
        + bitShiftLeft(toUInt128(e.src_partition), 64)
        + toUInt128(e.src_offset) AS place,
    toInt64({after_seconds:UInt64}) * 1000 AS after_ms,
    name -> toFloat64OrZero(trim(BOTH '"' FROM JSONExtractRaw(e.properties, name))) AS member,
    arrayFirst(
        amount -> amount != 0 AND abs(amount) <= 1e9,
        [member('value'), member('total'), member('revenue'), member('price') * if(member('quantity') = 0, 1, member('quantity'))]
    ) AS named,
    if(e.revenue != 0, e.revenue, reinterpret(toInt64(round(named * 10000)), 'Decimal(18, 4)')) AS worth
SELECT
    project,
    leftPad(hex(person), 16, '0') AS person_id,
    user AS user_id,
    fromUnixTimestamp64Milli(touch.1, 'UTC') AS cart_at,
    touch.2 AS day,
    touch.3 AS stage,
    toInt64(arrayCount(at -> at > ordered_before, adds)) AS cart_adds,
    arrayLast(said -> said.2 > ordered_before, values).3 AS value,
    arrayLast(said -> said.2 > ordered_before, values).4 AS currency,
    touch.4 AS channel,
    touch.5 AS device_type,
    touch.6 AS page,
    toBool(arrayExists(at -> at > touch.1, orders)) AS recovered
FROM
(
    SELECT
        if({project:String} = '*', toString(any(e.project)), {project:String}) AS project,
        e.person_id AS person,
        argMaxIf(e.user_id, place, e.user_id != '') AS user,
        argMaxIf((e.ms, e.day, toString(e.kind), toString(e.channel), toString(e.device_type), toString(e.page)), place, in_cart) AS touch,
        groupArrayIf(e.ms, e.kind = 'order') AS orders,
        groupArrayIf(e.ms, in_cart AND e.kind = 'cart_add') AS adds,
        arraySort(groupArrayIf((place, e.ms, worth, toString(e.currency)), in_cart AND worth != 0)) AS values,
        arrayMax(arrayPushBack(arrayFilter(at -> at < touch.1, orders), toInt64(0))) AS ordered_before
    FROM touchline.events AS e
    WHERE ({project:String} = '*' OR e.project = {project:String})
      AND (SELECT ok FROM touchline.allowed(project = {project:String}))
      AND (SELECT ok FROM touchline.good_abandoned(
              from = {from:DateTime64(3, 'UTC')},
              to = {to:DateTime64(3, 'UTC')},
              after_seconds = {after_seconds:UInt64}))
      AND e.kind IN ('cart_add', 'checkout_start', 'checkout_step', 'payment_info', 'order')
      AND e.event_time >= {from:DateTime64(3, 'UTC')}
      AND e.event_time < {as_of:DateTime64(3, 'UTC')}
    GROUP BY person
)
WHERE touch.1 > 0
  AND touch.1 + after_ms < toUnixTimestamp64Milli({as_of:DateTime64(3, 'UTC')})
  AND NOT arrayExists(at -> at BETWEEN touch.1 AND touch.1 + after_ms, orders)
ORDER BY project, cart_at DESC
COMMENT '${comment}'
