-- analytics.pages for tools that cannot give parameters: every project that the caller
-- may read, the last 30 days.
--
-- summary | The 100 most viewed pages of the last 30 days
CREATE OR REPLACE VIEW analytics.pages_default
(
    project        String  COMMENT 'id of the project',
    host           String  COMMENT 'host of the page; empty for a screen',
    page           String  COMMENT 'path of the page, without slashes at its end, or name of the screen',
    views          Int64   COMMENT 'how often it was viewed',
    visitors       Int64   COMMENT 'by how many persons',
    entries        Int64   COMMENT 'views with which a session began',
    exits          Int64   COMMENT 'views with which a session ended',
    bounces        Int64   COMMENT 'entries of sessions in which nothing else was done',
    exit_rate      Float64 COMMENT 'exits / views',
    bounce_rate    Float64 COMMENT 'bounces / entries',
    avg_seconds    Float64 COMMENT 'average time until the next view of the session',
    median_seconds Float64 COMMENT 'median of it'
)
DEFINER = CURRENT_USER SQL SECURITY DEFINER
AS
SELECT
    project,
    host,
    page,
    views,
    visitors,
    entries,
    exits,
    bounces,
    exit_rate,
    bounce_rate,
    avg_seconds,
    median_seconds
FROM analytics.pages(
    project = '*',
    from = now64(3, 'UTC') - INTERVAL 30 DAY,
    to = now64(3, 'UTC'),
    top = 100)
COMMENT '${comment}'
