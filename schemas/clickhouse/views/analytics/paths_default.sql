-- analytics.paths for tools that cannot give parameters: every project that the caller
-- may read, the last 30 days.
--
-- summary | The 50 edges between pages and screens that most visits of the last 30 days took
CREATE OR REPLACE VIEW analytics.paths_default
(
    project     String  COMMENT 'id of the project',
    position    Int64   COMMENT 'number of the source in its path, from 1',
    source      String  COMMENT 'number and item, joined by _',
    target      String  COMMENT 'the same of the next item; (end) = the path ends at source',
    paths       Int64   COMMENT 'how many paths',
    avg_seconds Float64 COMMENT 'average time from source to target; 0 for (end)'
)
DEFINER = CURRENT_USER SQL SECURITY DEFINER
AS
SELECT
    project,
    position,
    source,
    target,
    paths,
    avg_seconds
FROM analytics.paths(
    project = '*',
    from = now64(3, 'UTC') - INTERVAL 30 DAY,
    to = now64(3, 'UTC'),
    start = '',
    end = '',
    only = ['page_view', 'screen_view'],
    exclude = [],
    gap_seconds = 1800,
    max_steps = 5,
    top = 50)
COMMENT '${comment}'
