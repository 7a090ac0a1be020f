-- analytics.engagement_features for tools that cannot give parameters: every project that the caller
-- may read, the last 30 days.
--
-- summary | Events of the last 30 days and the share of active persons who did them
CREATE OR REPLACE VIEW analytics.engagement_features_default
(
    project         String  COMMENT 'id of the project',
    feature         String  COMMENT 'name of the event or kind',
    uses            Int64   COMMENT 'how often it was used',
    persons         Int64   COMMENT 'by how many',
    active_persons  Int64   COMMENT 'how many did anything',
    adoption_rate   Float64 COMMENT 'persons / active_persons',
    uses_per_person Float64 COMMENT 'uses / persons'
)
DEFINER = CURRENT_USER SQL SECURITY DEFINER
AS
SELECT
    project,
    feature,
    uses,
    persons,
    active_persons,
    adoption_rate,
    uses_per_person
FROM analytics.engagement_features(
    project = '*',
    from = now64(3, 'UTC') - INTERVAL 30 DAY,
    to = now64(3, 'UTC'),
    match = 'event',
    features = [])
COMMENT '${comment}'
