-- One row per event that metrics count: no bots, the person unified, and only the
-- projects that the caller may read. Everything that analytics say about events is
-- built on this view, so that persons are unified and projects kept apart in one
-- place.
--
-- It costs nothing to speak of: conditions on project, event and event_time reach the
-- primary key through it, and a column that is not asked for is not read.
--
-- Columns to break down by are texts, '' = not set; '{by:Identifier}' picks one.
CREATE OR REPLACE VIEW touchline.events AS
SELECT
    t.project AS project,
    t.event AS event,
    t.kind AS kind,
    t.type AS type,
    t.name AS name,
    dictGetOrDefault('touchline.person_map', 'new_id', t.person_id, t.person_id) AS person_id,
    t.event_time AS event_time,
    toUnixTimestamp64Milli(t.event_time) AS ms,
    t.day AS day,
    t.session_id AS session_id,
    t.channel AS channel,
    t.acquisition_channel AS acquisition_channel,
    t.utm_source AS utm_source,
    t.utm_medium AS utm_medium,
    t.utm_campaign AS utm_campaign,
    t.utm_content AS utm_content,
    t.utm_term AS utm_term,
    t.source AS source,
    t.protocol AS protocol,
    t.device_type AS device_type,
    t.os AS os,
    t.browser AS browser,
    t.country AS country,
    t.region AS region,
    t.city AS city,
    t.locale AS locale,
    t.app_version AS app_version,
    t.library AS library,
    lower(extract(t.url_origin, '://(?:[^@]*@)?(\\[[^\\]]*\\]|[^:]*)')) AS url_host,
    t.url_path AS url_path,
    multiIf(
        t.type = 'page', if(trim(TRAILING '/' FROM t.url_path) = '', left(t.url_path, 1), trim(TRAILING '/' FROM t.url_path)),
        t.type = 'screen', t.name,
        t.event) AS page,
    t.page_title AS page_title,
    lower(extract(t.referrer_origin, '://(?:[^@]*@)?(\\[[^\\]]*\\]|[^:]*)')) AS referrer_host,
    t.group_id AS group_id,
    t.user_id AS user_id,
    t.anonymous_id AS anonymous_id,
    t.revenue AS revenue,
    t.currency AS currency,
    t.order_id AS order_id,
    t.properties AS properties,
    t.traits AS traits,
    t.src_partition AS src_partition,
    t.src_offset AS src_offset
FROM touchline.touchpoints AS t
WHERE NOT t.is_bot
  AND ((SELECT everything FROM touchline.reader) OR t.project IN (SELECT project FROM touchline.readable))
