-- Which channels, campaigns and sources bring persons, customers and revenue: by the
-- first touch of all history and by the last.
--
-- A touch is an event with an acquisition channel; its source, medium and campaign go
-- with it. Persons are those who did anything in [from, to), customers those who
-- ordered in it, revenue is what events in it say, whatever their kind. Each person
-- has one value, so the rows of a touch add up. The last touch is that of all history
-- as it is now, also when it lies beyond the range.
--
-- First and last touches stand in a table of their own; they meet the events of the
-- range in one aggregation, which needs no join.
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
-- column | revenue | Decimal(18, 4) | sum of revenue in currency
-- column | currency | String | ISO 4217 code; empty = none, (mixed) = several
CREATE OR REPLACE VIEW analytics.acquisition
DEFINER = CURRENT_USER SQL SECURITY DEFINER
AS
SELECT
    g.of_project AS project,
    g.touch AS touch,
    multiIf(g.value = '', '(not set)', g.place <= {top:UInt64}, g.value, 'Other') AS breakdown,
    toInt64(sum(g.person_count)) AS persons,
    toInt64(sum(g.customer_count)) AS customers,
    customers / persons AS conversion_rate,
    toInt64(sum(g.order_count)) AS orders,
    toDecimal64(sum(g.amount), 4) AS revenue,
    multiIf(empty(groupUniqArrayArray(g.currency_list) AS currencies), '', length(currencies) = 1, currencies[1], '(mixed)') AS currency
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
        groupUniqArrayArray(p.currency_list) AS currency_list,
        row_number() OVER (PARTITION BY of_project, touch ORDER BY value = '', person_count DESC, value) AS place
    FROM
    (
        SELECT
            if({project:String} = '*', toString(any(r.of_project)), {project:String}) AS of_project,
            r.person_id AS person_id,
            sum(r.event_count) AS event_count,
            sum(r.order_count) AS order_count,
            sum(r.amount) AS amount,
            groupUniqArrayArray(r.currency_list) AS currency_list,
            splitByChar('\x01', argMinMerge(r.first_touch)) AS first_values,
            splitByChar('\x01', argMaxMerge(r.last_touch)) AS last_values
        FROM
        (
            SELECT
                any(e.project) AS of_project,
                e.person_id AS person_id,
                count() AS event_count,
                countIf(e.kind = 'order') AS order_count,
                sum(e.revenue) AS amount,
                groupUniqArrayIf(toString(e.currency), e.revenue != 0 AND e.currency != '') AS currency_list,
                argMinStateIf('', toUInt128(0), false) AS first_touch,
                argMaxStateIf('', toUInt128(0), false) AS last_touch
            FROM touchline.events AS e
            WHERE ({project:String} = '*' OR e.project = {project:String})
              AND (SELECT ok FROM touchline.allowed(project = {project:String}))
              AND (SELECT ok FROM touchline.visit_range(from = {from:DateTime64(3, 'UTC')}, to = {to:DateTime64(3, 'UTC')}))
              AND (SELECT ok FROM touchline.good_top(top = {top:UInt64}))
              AND (SELECT ok FROM touchline.acquisition_by(by = {by:String}))
              AND e.event_time >= {from:DateTime64(3, 'UTC')}
              AND e.event_time < {to:DateTime64(3, 'UTC')}
            GROUP BY person_id
            UNION ALL
            SELECT
                a.project,
                a.person_id,
                0,
                0,
                toDecimal128(0, 4),
                CAST([] AS Array(String)),
                a.first_touch,
                a.last_touch
            FROM touchline.acquisitions AS a
            WHERE {project:String} = '*' OR a.project = {project:String}
        ) AS r
        GROUP BY person_id
        HAVING event_count > 0
    ) AS p
    ARRAY JOIN [
        ('first', p.first_values[indexOf(['channel', 'source', 'medium', 'campaign'], {by:String})]),
        ('last', p.last_values[indexOf(['channel', 'source', 'medium', 'campaign'], {by:String})])
    ] AS touch_value
    GROUP BY of_project, touch, value
) AS g
GROUP BY project, touch, breakdown
ORDER BY project, touch, persons DESC, breakdown
COMMENT '${comment}'
