-- Fills visits: a row for each session and day in a block. Events without a session
-- are in none.
--
-- Pages come first in the place of 'entry', so that the first page wins over an
-- earlier event of another kind. It is the only text that may hold the byte 1, and so
-- stands last; the others are of few values, which is how often they are looked at. The
-- texts of 'won_by' are put together only where there is a channel: few events have one.
CREATE MATERIALIZED VIEW IF NOT EXISTS touchline.visits_mv TO touchline.visits
DEFINER = CURRENT_USER SQL SECURITY DEFINER
AS
WITH
    bitOr(
        bitShiftLeft(toUInt128(toUnixTimestamp64Milli(t.event_time)), 80),
        bitOr(bitShiftLeft(toUInt128(t.src_partition), 64), toUInt128(t.src_offset))) AS place,
    t.type IN ('page', 'screen') AS is_page,
    if(
        t.type = 'page',
        if(trim(TRAILING '/' FROM t.url_path) = '', left(t.url_path, 1), trim(TRAILING '/' FROM t.url_path)),
        t.name) AS page
SELECT
    t.project AS project,
    t.day AS day,
    t.session_id AS session_id,
    min(t.event_time) AS started_at,
    max(t.event_time) AS ended_at,
    count() AS events,
    countIf(is_page) AS pages,
    countIf(t.kind NOT IN ('identify', 'group', 'alias', 'session_start', 'consent', 'error', 'ad_impression')) AS interactions,
    countIf(t.kind IN ('order', 'sign_up', 'lead', 'subscription_start')) AS conversions,
    countIf(t.kind = 'order') AS orders,
    sum(t.revenue) AS revenue,
    min(if(t.revenue != 0, toString(t.currency), '\xFF')) AS currency_low,
    max(if(t.revenue != 0, toString(t.currency), '')) AS currency_high,
    argMaxState(t.person_id, place) AS person,
    argMinState(
        concat(
            replaceAll(t.url_origin, '\x01', ''), '\x01',
            replaceAll(t.device_type, '\x01', ''), '\x01',
            replaceAll(t.os, '\x01', ''), '\x01',
            replaceAll(t.browser, '\x01', ''), '\x01',
            replaceAll(t.country, '\x01', ''), '\x01',
            page),
        bitOr(place, bitShiftLeft(toUInt128(NOT is_page), 127))) AS entry,
    argMaxIfState(page, place, is_page) AS exit_page,
    argMinIfState(
        if(
            t.acquisition_channel = '',
            '',
            concat(
                replaceAll(t.acquisition_channel, '\x01', ''), '\x01',
                replaceAll(t.utm_source, '\x01', ''), '\x01',
                replaceAll(t.utm_medium, '\x01', ''), '\x01',
                replaceAll(t.utm_campaign, '\x01', ''), '\x01',
                replaceAll(t.referrer_origin, '\x01', ''))),
        place,
        t.acquisition_channel != '') AS won_by
FROM touchline.touchpoints AS t
WHERE NOT t.is_bot AND t.session_id != 0
GROUP BY project, day, session_id
