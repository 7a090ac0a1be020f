-- The rows of touchpoints for whoever looks for few persons: as touchline.events, but
-- with the person as stamped at ingest, which the primary key holds, and with all
-- that a timeline shows. Unify the person of the question, not of the rows.
CREATE OR REPLACE VIEW touchline.visit_events AS
SELECT
    t.project AS project,
    t.person_id AS stamped_id,
    t.event_time AS event_time,
    t.day AS day,
    t.event AS event,
    t.type AS type,
    t.kind AS kind,
    transform(
        toString(t.kind),
        (SELECT kinds FROM touchline.visit_stages),
        (SELECT stages FROM touchline.visit_stages),
        '') AS stage,
    multiIf(
        t.type = 'page', if(trim(TRAILING '/' FROM t.url_path) = '', left(t.url_path, 1), trim(TRAILING '/' FROM t.url_path)),
        t.type = 'screen', t.name,
        t.event) AS page,
    t.page_title AS page_title,
    t.channel AS channel,
    t.source AS source,
    t.acquisition_channel AS acquisition_channel,
    t.utm_source AS utm_source,
    t.utm_medium AS utm_medium,
    t.utm_campaign AS utm_campaign,
    t.session_id AS session_id,
    t.device_type AS device_type,
    t.country AS country,
    t.revenue AS revenue,
    t.currency AS currency,
    t.order_id AS order_id,
    t.user_id AS user_id,
    t.anonymous_id AS anonymous_id,
    t.properties AS properties,
    t.src_partition AS src_partition,
    t.src_offset AS src_offset
FROM touchline.touchpoints AS t
WHERE NOT t.is_bot
  AND ((SELECT everything FROM touchline.reader) OR t.project IN (SELECT project FROM touchline.readable))
