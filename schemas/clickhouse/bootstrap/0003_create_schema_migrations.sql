-- Where the migrator notes what it has applied, by file name below this
-- package's directory. The last line of a name counts.
CREATE TABLE IF NOT EXISTS touchline.schema_migrations
(
    name       String                  COMMENT 'migrations/0001_create_touchpoints.sql, views/analytics/funnel.sql',
    checksum   String                  COMMENT 'SHA-256 of the statement as it was sent, hex',
    applied_at DateTime64(3, 'UTC')    COMMENT 'when the statement had succeeded'
)
ENGINE = ReplacingMergeTree(applied_at)
ORDER BY name
COMMENT 'What the migrator has applied'
