-- Fills person_days by channel: each event counts under its name and under ''.
CREATE MATERIALIZED VIEW IF NOT EXISTS touchline.person_days_mv TO touchline.person_days
DEFINER = CURRENT_USER SQL SECURITY DEFINER
AS SELECT
    project,
    arrayJoin(['', toString(event)]) AS event,
    toStartOfMonth(day) AS month,
    person_id,
    channel,
    groupBitOr(bitShiftLeft(toUInt32(1), toDayOfMonth(day) - 1)) AS days,
    count() AS events,
    min(event_time) AS first_time,
    max(event_time) AS last_time
FROM touchline.touchpoints
WHERE NOT is_bot
GROUP BY project, event, month, person_id, channel
