-- Fills landed by chunk: one insert into touchpoints is one chunk. The minute is
-- that of columns outcomes.minute and ledger_accepted.minute, also for times that
-- the type DateTime cannot hold.
CREATE MATERIALIZED VIEW IF NOT EXISTS touchline.landed_mv TO touchline.landed
DEFINER = CURRENT_USER SQL SECURITY DEFINER
AS SELECT
    src_topic,
    src_partition,
    project,
    toDateTime(toUInt32(greatest(0, least(4294967280, intDiv(toUnixTimestamp64Milli(received_at), 60000) * 60))), 'UTC') AS minute,
    max(src_offset) AS chunk,
    min(src_offset) AS min_offset,
    max(src_offset) AS max_offset,
    count() AS events
FROM touchline.touchpoints
GROUP BY src_topic, src_partition, project, minute
