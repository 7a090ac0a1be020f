-- Fills landed.
CREATE MATERIALIZED VIEW IF NOT EXISTS touchline.landed_mv TO touchline.landed
DEFINER = CURRENT_USER SQL SECURITY DEFINER
AS SELECT
    src_topic,
    src_partition,
    project,
    toStartOfMinute(toDateTime(received_at, 'UTC'), 'UTC') AS minute,
    min(src_offset) AS min_offset,
    max(src_offset) AS max_offset,
    count() AS events
FROM touchline.touchpoints
GROUP BY src_topic, src_partition, project, minute
