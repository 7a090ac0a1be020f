-- analytics.time_to_value of the sign-ups of the last 30 days, for tools that cannot pass
-- parameters. The events are told by their canonical kinds: sign_up, activation and
-- feature_use; the window is 30 days.
--
-- summary | How long sign-ups of the last 30 days took to activation and to first use
CREATE OR REPLACE VIEW analytics.time_to_value_default
(
    project        String            COMMENT 'id of the project',
    leg            Int64             COMMENT '1 = to activation, 2 = from there to first use, 3 = the whole way',
    from_event     String            COMMENT 'where the leg begins',
    to_event       String            COMMENT 'where it ends',
    bucket         Int64             COMMENT 'number of the bucket, 1 to 11',
    from_seconds   Int64             COMMENT 'the bucket''s shortest time',
    to_seconds     Nullable(Int64)   COMMENT 'all of its times are shorter; NULL = no end',
    persons        Int64             COMMENT 'who took so long',
    entered        Int64             COMMENT 'who began the leg',
    reached        Int64             COMMENT 'who ended it',
    pending        Int64             COMMENT 'who still may',
    dropped        Int64             COMMENT 'who did not in time',
    median_seconds Nullable(Float64) COMMENT 'median time of those who ended the leg; NULL = nobody'
)
DEFINER = CURRENT_USER SQL SECURITY DEFINER
AS
SELECT
    project,
    leg,
    from_event,
    to_event,
    bucket,
    from_seconds,
    to_seconds,
    persons,
    entered,
    reached,
    pending,
    dropped,
    median_seconds
FROM touchline.value_times(
    match = 'kind',
    project = '*',
    sign_up = 'sign_up',
    activation = 'activation',
    first_use = 'feature_use',
    window_seconds = 2592000,
    from = now64(3, 'UTC') - INTERVAL 30 DAY,
    to = now64(3, 'UTC'),
    as_of = now64(3, 'UTC'))
ORDER BY project, leg, bucket
COMMENT '${comment}'
