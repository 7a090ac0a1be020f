-- What analytics.funnel_significance shows, with steps that are names of events
-- (on = 'event') or canonical kinds (on = 'kind').
--
--   n, c      persons of the group, and how many of them converted
--   m, d      persons of those it is compared with, and how many of them converted
--   w1, w2    score intervals of both shares: middle and half of their width
--   seen      of the numbers of converts that the group could have had, given all
--             converts (lowest, lowest + 1, ...), which one it had
--   logs      logarithm of how probable each of these numbers is, up to a constant
CREATE OR REPLACE VIEW touchline.funnel_shares AS
WITH
    -- 0.975 quantile of the standard normal distribution
    1.959963984540054 AS z,
    (share, size) -> (
        (share + z * z / (2 * size)) / (1 + z * z / size),
        z / (1 + z * z / size) * sqrt(share * (1 - share) / size + z * z / (4 * size * size))) AS score,
    (of, size) -> if(size = 0, (0., 1.), (greatest(0., of.1 - of.2), least(1., of.1 + of.2))) AS bounds
SELECT
    project,
    breakdown,
    n AS persons,
    c AS converted,
    undecided,
    rate AS conversion,
    interval_1.1 AS conversion_low,
    interval_1.2 AS conversion_high,
    m AS others,
    d AS others_converted,
    others_rate AS others_conversion,
    if(n = 0 OR m = 0, 0, rate - others_rate) AS difference,
    if(n = 0 OR m = 0, -1, difference - hypot(rate - interval_1.1, interval_2.2 - others_rate)) AS difference_low,
    if(n = 0 OR m = 0, 1, difference + hypot(interval_1.2 - rate, others_rate - interval_2.1)) AS difference_high,
    p_value,
    max(least(1., p_value * (rows - place + 1))) OVER (PARTITION BY project ORDER BY p_value, breakdown ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW) AS p_value_adjusted,
    test
FROM
(
    SELECT
        project,
        breakdown,
        undecided,
        n, c, m, d,
        if(n = 0, 0, c / n) AS rate,
        if(m = 0, 0, d / m) AS others_rate,
        bounds(score(rate, n), n) AS interval_1,
        bounds(score(others_rate, m), m) AS interval_2,
        (c + d) / (n + m) AS pooled,
        if(n + m = 0 OR least(n, m) * least(c + d, n + m - c - d) < 5 * (n + m), 'exact', 'z') AS test,
        greatest(0, c + d - m) AS lowest,
        arrayMap(
            k -> -lgamma(k + 1) - lgamma(n - k + 1) - lgamma(c + d - k + 1) - lgamma(m - c - d + k + 1),
            if(test = 'exact', range(lowest, least(c + d, n) + 1), [c])) AS logs,
        if(test = 'exact', c - lowest + 1, 1) AS seen,
        arrayMap(l -> exp(l - arrayMax(logs)), logs) AS chances,
        if(
            test = 'exact',
            arraySum(chance -> if(chance <= chances[seen] * (1 + 1e-7), chance, 0), chances) / arraySum(chances),
            erfc(abs((rate - others_rate) / sqrt(pooled * (1 - pooled) * (1 / n + 1 / m))) / sqrt(2))) AS p_value,
        count() OVER (PARTITION BY project) AS rows,
        row_number() OVER (PARTITION BY project ORDER BY p_value, breakdown) AS place
    FROM
    (
        SELECT
            project,
            breakdown,
            undecided,
            n,
            c,
            if({baseline:String} = '', sum(n) OVER whole - n, sumIf(n, breakdown = {baseline:String}) OVER whole) AS m,
            if({baseline:String} = '', sum(c) OVER whole - c, sumIf(c, breakdown = {baseline:String}) OVER whole) AS d
        FROM
        (
            SELECT
                project,
                multiIf(special, group_value, position <= {top:UInt64}, group_value, 'Other') AS breakdown,
                toInt64(sum(decided)) AS n,
                toInt64(sum(decided_converted)) AS c,
                toInt64(sum(entered)) - n AS undecided
            FROM
            (
                SELECT
                    project,
                    if(value = '', '(not set)', value) AS group_value,
                    group_value IN ('(not set)', '(not reached)') AS special,
                    count() AS entered,
                    countIf(closed) AS decided,
                    countIf(closed AND level = length({steps:Array(String)})) AS decided_converted,
                    row_number() OVER (PARTITION BY project, special ORDER BY entered DESC, group_value) AS position
                FROM
                (
                    SELECT
                        project,
                        value,
                        level,
                        last_entry + toInt64({window_seconds:UInt64}) * 1000 < toUnixTimestamp64Milli({as_of:DateTime64(3, 'UTC')}) AS closed
                    FROM touchline.funnel_persons(
                        project = {project:String},
                        on = {on:String},
                        steps = {steps:Array(String)},
                        window_seconds = {window_seconds:UInt64},
                        from = {from:DateTime64(3, 'UTC')},
                        to = {to:DateTime64(3, 'UTC')},
                        as_of = {as_of:DateTime64(3, 'UTC')},
                        by = if({by:String} LIKE 'properties._%', 'event', {by:String}),
                        property = if({by:String} LIKE 'properties._%', substring({by:String}, 12), ''),
                        attribution = if({attribution:String} IN ('first', 'last', 'step'), {attribution:String}, 'attribution: want first, last or step'),
                        attribution_step = {attribution_step:UInt8})
                )
                WHERE (SELECT ok FROM touchline.good_top(top = {top:UInt64}))
                GROUP BY project, group_value
            )
            GROUP BY project, breakdown
        )
        WINDOW whole AS (PARTITION BY project)
    )
    WHERE breakdown != {baseline:String} OR {baseline:String} = ''
)
