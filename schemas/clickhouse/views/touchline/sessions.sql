-- The sessions that began in [from, to), one row each: the shared core of the session
-- views. The rows of a session are put together from the days of the range and two on
-- both sides: a session lasts a day at most, and days are those of the project's time
-- zone.
--
--   person_id      who did the last event, unified: a visitor who signs in is that user
--   day            earliest day of its events
--   entry_...      of the first page or screen view; exit_page of the last; empty when
--                  there was none
--   device_type, os, browser, country
--                  of the first page or screen view, else of the first event
--   acquisition_channel, utm_..., referrer_host
--                  of the first event that has an acquisition channel
--   is_bounce      somebody did at most one thing
--   visitor        new when the person did nothing before, else returning
--   currency       of the revenue; (mixed) when there are several
--
-- All texts may be picked by '{by:Identifier}'.
--
-- What is kept for each session goes to disk beyond 900 MB: a month of 1.5 million
-- sessions does not, a year does and takes longer, but does not fail.
CREATE OR REPLACE VIEW touchline.sessions AS
SELECT
    toString(s.of_project) AS project,
    s.session_id AS session_id,
    s.unified_id AS person_id,
    s.first_at AS started_at,
    s.last_at AS ended_at,
    s.first_day AS day,
    (toUnixTimestamp64Milli(s.last_at) - toUnixTimestamp64Milli(s.first_at)) / 1000 AS duration_seconds,
    s.event_count AS events,
    s.page_count AS pages,
    if(s.page_count = 0, '', lower(extract(s.first_page[1], '://(?:[^@]*@)?(\\[[^\\]]*\\]|[^:]*)'))) AS entry_host,
    if(s.page_count = 0, '', arrayStringConcat(arraySlice(s.first_page, 6), '\x01')) AS entry_page,
    s.last_page AS exit_page,
    s.interaction_count <= 1 AS is_bounce,
    if(n.first_at >= s.first_at, 'new', 'returning') AS visitor,
    s.first_won[1] AS acquisition_channel,
    s.first_won[2] AS utm_source,
    s.first_won[3] AS utm_medium,
    s.first_won[4] AS utm_campaign,
    lower(extract(s.first_won[5], '://(?:[^@]*@)?(\\[[^\\]]*\\]|[^:]*)')) AS referrer_host,
    s.first_page[2] AS device_type,
    s.first_page[3] AS os,
    s.first_page[4] AS browser,
    s.first_page[5] AS country,
    s.conversion_count AS conversions,
    s.order_count AS orders,
    s.amount AS revenue,
    multiIf(s.high = '', '', s.low = s.high, s.high, '(mixed)') AS currency
FROM
(
    SELECT
        any(v.project) AS of_project,
        v.session_id AS session_id,
        argMaxMerge(v.person) AS stamped_id,
        dictGetOrDefault('touchline.person_map', 'new_id', stamped_id, stamped_id) AS unified_id,
        min(v.started_at) AS first_at,
        max(v.ended_at) AS last_at,
        min(v.day) AS first_day,
        sum(v.events) AS event_count,
        sum(v.pages) AS page_count,
        sum(v.interactions) AS interaction_count,
        sum(v.conversions) AS conversion_count,
        sum(v.orders) AS order_count,
        sum(v.revenue) AS amount,
        min(v.currency_low) AS low,
        max(v.currency_high) AS high,
        splitByChar('\x01', argMinMerge(v.entry)) AS first_page,
        argMaxMerge(v.exit_page) AS last_page,
        splitByChar('\x01', argMinMerge(v.won_by)) AS first_won
    FROM touchline.visit_rows AS v
    WHERE ({project:String} = '*' OR v.project = {project:String})
      AND (SELECT ok FROM touchline.allowed(project = {project:String}))
      AND (SELECT ok FROM touchline.visit_range(from = {from:DateTime64(3, 'UTC')}, to = {to:DateTime64(3, 'UTC')}))
      AND v.day BETWEEN toDate({from:DateTime64(3, 'UTC')}) - 2 AND toDate({to:DateTime64(3, 'UTC')}) + 2
    GROUP BY session_id
    HAVING first_at >= {from:DateTime64(3, 'UTC')} AND first_at < {to:DateTime64(3, 'UTC')}
) AS s
LEFT JOIN
(
    -- Who did something before the range is new in none of its sessions.
    SELECT
        f.person_id AS person_id,
        min(f.first_time) AS first_at
    FROM touchline.firsts AS f
    WHERE ({project:String} = '*' OR f.project = {project:String})
      AND f.event = ''
    GROUP BY person_id
    HAVING first_at >= {from:DateTime64(3, 'UTC')}
) AS n ON n.person_id = s.unified_id
SETTINGS join_use_nulls = 0, max_bytes_before_external_group_by = 900000000
