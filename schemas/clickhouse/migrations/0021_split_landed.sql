-- Keeps the rows of different chunks apart in landed, so that what landed up to a
-- mark can be counted exactly: marks lie on the ends of chunks. Rows stay for as
-- long as those of touchpoints do.
ALTER TABLE touchline.landed
    ADD COLUMN IF NOT EXISTS chunk UInt64 COMMENT 'highest raw offset of the rows of this project and minute in one chunk' AFTER minute,
    ADD COLUMN IF NOT EXISTS landed_at SimpleAggregateFunction(max, DateTime('UTC')) DEFAULT now() COMMENT 'when the row was inserted; only rolling up looks at it',
    MODIFY ORDER BY (src_topic, src_partition, project, minute, chunk)
