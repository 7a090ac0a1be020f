-- Which channels, campaigns and sources bring persons, customers and revenue: by the
-- first touch of all history and by the last.
--
-- A touch is an event with an acquisition channel; its source, medium and campaign go
-- with it. Persons are those who did anything in [from, to), customers those who
-- ordered in it, revenue is what events in it say, whatever their kind. Each person
-- has one value, so the rows of a touch add up. The last touch is that of all history
-- as it is now, also when it lies beyond the range.
--
-- First and last touches stand in a table of their own; only those of the persons of
-- the range are looked at. Currencies are the first and the last by alphabet, because a
-- set for each person would take 400 bytes of it. What is kept for each person goes to
-- disk beyond 750 MB.
--
-- summary | Persons, customers and revenue by first and by last acquisition channel, source, medium or campaign
-- param  | project | String | 'demo' | id of the project, or * for all that you may read
-- param  | from | DateTime64(3, 'UTC') | now64(3, 'UTC') - INTERVAL 30 DAY | what persons did from here on
-- param  | to | DateTime64(3, 'UTC') | now64(3, 'UTC') | and before this
-- param  | by | String | 'channel' | what to break down by: channel, source, medium or campaign
-- param  | top | UInt64 | 10 | how many values have rows of their own, 1 to 1000
-- column | project | String | id of the project
-- column | touch | String | first or last
-- column | breakdown | String | the value; (not set) = unknown, Other = beyond top
-- column | persons | Int64 | who did anything
-- column | customers | Int64 | of them those who ordered
-- column | conversion_rate | Float64 | customers / persons
-- column | orders | Int64 | events of the kind order
-- column | revenue | Decimal(18, 4) | sum of revenue in currency, at most 99999999999999.9999 in size
-- column | currency | String | ISO 4217 code; empty = none, (mixed) = several
CREATE OR REPLACE VIEW analytics.acquisition
DEFINER = CURRENT_USER SQL SECURITY DEFINER
AS
WITH indexOf(['channel', 'source', 'medium', 'campaign'], {by:String}) AS place_of_by
SELECT
    g.of_project AS project,
    g.touch AS touch,
    multiIf(g.value = '', '(not set)', g.place <= {top:UInt64}, g.value, 'Other') AS breakdown,
    toInt64(sum(g.person_count)) AS persons,
    toInt64(sum(g.customer_count)) AS customers,
    customers / persons AS conversion_rate,
    toInt64(sum(g.order_count)) AS orders,
    toDecimal64(greatest(least(sum(g.amount), toDecimal128('99999999999999.9999', 4)), toDecimal128('-99999999999999.9999', 4)), 4) AS revenue,
    multiIf(max(g.high) = '', '', min(g.low) = max(g.high), max(g.high), '(mixed)') AS currency
FROM
(
    SELECT
        p.of_project AS of_project,
        touch_value.1 AS touch,
        touch_value.2 AS value,
        count() AS person_count,
        countIf(p.order_count > 0) AS customer_count,
        sum(p.order_count) AS order_count,
        sum(p.amount) AS amount,
        min(p.low) AS low,
        max(p.high) AS high,
        row_number() OVER (PARTITION BY of_project, touch ORDER BY value = '', person_count DESC, value) AS place
    FROM
    (
        SELECT
            w.of_project AS of_project,
            w.order_count AS order_count,
            w.amount AS amount,
            w.low AS low,
            w.high AS high,
            t.first_value AS first_value,
            t.last_value AS last_value
        FROM
        (
            SELECT
                if({project:String} = '*', toString(any(e.project)), {project:String}) AS of_project,
                e.person_id AS person_id,
                countIf(e.kind = 'order') AS order_count,
                sum(e.revenue) AS amount,
                min(if(e.revenue != 0, toString(e.currency), '\xFF')) AS low,
                max(if(e.revenue != 0, toString(e.currency), '')) AS high
            FROM touchline.events AS e
            WHERE ({project:String} = '*' OR e.project = {project:String})
              AND (SELECT ok FROM touchline.allowed(project = {project:String}))
              AND (SELECT ok FROM touchline.visit_range(from = {from:DateTime64(3, 'UTC')}, to = {to:DateTime64(3, 'UTC')}))
              AND (SELECT ok FROM touchline.good_top(top = {top:UInt64}))
              AND (SELECT ok FROM touchline.acquisition_by(by = {by:String}))
              AND e.event_time >= {from:DateTime64(3, 'UTC')}
              AND e.event_time < {to:DateTime64(3, 'UTC')}
            GROUP BY person_id
        ) AS w
        LEFT JOIN
        (
            SELECT
                a.person_id AS person_id,
                splitByChar('\x01', argMinMerge(a.first_touch))[place_of_by] AS first_value,
                splitByChar('\x01', argMaxMerge(a.last_touch))[place_of_by] AS last_value
            FROM touchline.acquisitions AS a
            WHERE ({project:String} = '*' OR a.project = {project:String})
              AND a.person_id IN
              (
                  SELECT e.person_id
                  FROM touchline.events AS e
                  WHERE ({project:String} = '*' OR e.project = {project:String})
                    AND e.event_time >= {from:DateTime64(3, 'UTC')}
                    AND e.event_time < {to:DateTime64(3, 'UTC')}
              )
            GROUP BY person_id
        ) AS t ON t.person_id = w.person_id
    ) AS p
    ARRAY JOIN [('first', p.first_value), ('last', p.last_value)] AS touch_value
    GROUP BY of_project, touch, value
) AS g
GROUP BY project, touch, breakdown
ORDER BY project, touch, persons DESC, breakdown
SETTINGS join_use_nulls = 0, max_bytes_before_external_group_by = 750000000
COMMENT '${comment}'
