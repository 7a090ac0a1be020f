-- analytics.engagement for tools that cannot give parameters: every project that the caller
-- may read, the last 30 days.
--
-- summary | Click rate of ads in the last 30 days by campaign
CREATE OR REPLACE VIEW analytics.engagement_default
(
    project         String  COMMENT 'id of the project',
    breakdown       String  COMMENT 'the value; (not set) = empty, Other = beyond top',
    shown           Int64   COMMENT 'how often it was shown',
    clicked         Int64   COMMENT 'how often people reacted',
    click_rate      Float64 COMMENT 'clicked / shown',
    shown_persons   Int64   COMMENT 'to how many persons it was shown',
    clicked_persons Int64   COMMENT 'how many of them reacted',
    person_rate     Float64 COMMENT 'clicked_persons / shown_persons'
)
DEFINER = CURRENT_USER SQL SECURITY DEFINER
AS
SELECT
    project,
    breakdown,
    shown,
    clicked,
    click_rate,
    shown_persons,
    clicked_persons,
    person_rate
FROM analytics.engagement(
    project = '*',
    from = now64(3, 'UTC') - INTERVAL 30 DAY,
    to = now64(3, 'UTC'),
    match = 'kind',
    shown = 'ad_impression',
    clicked = 'ad_click',
    by = 'utm_campaign',
    top = 20)
COMMENT '${comment}'
