-- The rows of touchpoints for whoever looks for few persons: without bots, of the
-- projects that the caller may read, as a timeline shows them. The person is the one
-- stamped at ingest, by which rows are found: unify the person of the question, not of
-- the rows.
CREATE OR REPLACE VIEW touchline.visit_events AS
WITH (SELECT (kinds, stages) FROM touchline.visit_stages) AS known
SELECT
    t.project AS project,
    t.person_id AS stamped_id,
    t.event_time AS event_time,
    t.day AS day,
    toString(t.event) AS event,
    toString(t.kind) AS kind,
    transform(toString(t.kind), known.1, known.2, '') AS stage,
    multiIf(
        t.type = 'page', if(trim(TRAILING '/' FROM t.url_path) = '', left(t.url_path, 1), trim(TRAILING '/' FROM t.url_path)),
        t.type = 'screen', t.name,
        t.event) AS page,
    t.page_title AS page_title,
    toString(t.channel) AS channel,
    toString(t.source) AS source,
    toString(t.acquisition_channel) AS acquisition_channel,
    toString(t.utm_source) AS utm_source,
    toString(t.utm_medium) AS utm_medium,
    toString(t.utm_campaign) AS utm_campaign,
    if(t.session_id = 0, '', leftPad(hex(t.session_id), 16, '0')) AS session_id,
    toString(t.device_type) AS device_type,
    toString(t.country) AS country,
    t.revenue AS revenue,
    toString(t.currency) AS currency,
    t.order_id AS order_id,
    t.user_id AS user_id,
    t.anonymous_id AS anonymous_id,
    t.properties AS properties,
    t.src_partition AS src_partition,
    t.src_offset AS src_offset
FROM touchline.touchpoints AS t
WHERE NOT t.is_bot
  AND ((SELECT everything FROM touchline.reader) OR t.project IN (SELECT project FROM touchline.readable))
