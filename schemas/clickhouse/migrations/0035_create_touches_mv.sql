-- Fills touches.
CREATE MATERIALIZED VIEW IF NOT EXISTS touchline.touches_mv TO touchline.touches
DEFINER = CURRENT_USER SQL SECURITY DEFINER
AS
WITH
    concat(
        replaceAll(t.acquisition_channel, '\x01', ''), '\x01',
        replaceAll(t.utm_source, '\x01', ''), '\x01',
        replaceAll(t.utm_medium, '\x01', ''), '\x01',
        replaceAll(t.utm_campaign, '\x01', '')) AS touch,
    bitOr(
        bitShiftLeft(toUInt128(toUnixTimestamp64Milli(t.event_time)), 80),
        bitOr(bitShiftLeft(toUInt128(t.src_partition), 64), toUInt128(t.src_offset))) AS place
SELECT
    t.project AS project,
    t.person_id AS person_id,
    argMinState(touch, place) AS first_touch,
    argMaxState(touch, place) AS last_touch
FROM touchline.touchpoints AS t
WHERE NOT t.is_bot AND t.acquisition_channel != ''
GROUP BY project, person_id
