-- All that a person ever did, in order. Any id that the person had asks for the same
-- history: the id is unified first, and then the rows of all its ids are looked up by
-- the primary key. A filter on the unified id of each row would read them all.
--
-- Events at the same millisecond stand in the order of the log. Bots are left out.
--
-- summary | Everything a person ever did, in order, over all ids of the person
-- param  | project | String | 'demo' | id of the project, or * for all that you may read
-- param  | person_id | String | '0000000000000001' | the person, 16 hex digits, as other views show it
-- column | project | String | id of the project
-- column | person_id | String | the person, unified, 16 hex digits
-- column | position | Int64 | number of the event, from 1
-- column | event_time | DateTime64(3, 'UTC') | when it happened; the time column
-- column | day | Date | day of event_time in the time zone of the project
-- column | event | String | name of the event
-- column | kind | String | canonical kind of touchpoint
-- column | stage | String | stage in the life of a customer that the kind belongs to: awareness, consideration, purchase, onboarding, engagement, retention, advocacy, support; empty = none
-- column | page | String | path of a page view, name of a screen view, else the event
-- column | page_title | String | title of the page
-- column | channel | String | where it took place: web, app, email, ...
-- column | source | String | label of the write key
-- column | acquisition_channel | String | how the visit was won; only on events that tell
-- column | utm_source | String | campaign parameter
-- column | utm_medium | String | campaign parameter
-- column | utm_campaign | String | campaign parameter
-- column | session_id | String | the session, 16 hex digits; empty = none
-- column | device_type | String | desktop, mobile, tablet, ...
-- column | country | String | ISO 3166 code
-- column | revenue | Decimal(18, 4) | amount in currency
-- column | currency | String | ISO 4217 code
-- column | order_id | String | id of the order
-- column | user_id | String | id of the user, as the SDK sent it
-- column | anonymous_id | String | id of the device, as the SDK sent it
-- column | properties | String | JSON text as the SDK wrote it
CREATE OR REPLACE VIEW analytics.timeline
DEFINER = CURRENT_USER SQL SECURITY DEFINER
AS
WITH
    reinterpretAsUInt64(reverse(unhex({person_id:String}))) AS asked_id,
    dictGetOrDefault('touchline.person_map', 'new_id', asked_id, asked_id) AS unified_id
SELECT
    toString(e.project) AS project,
    leftPad(hex(unified_id), 16, '0') AS person_id,
    toInt64(row_number() OVER (ORDER BY e.event_time, e.src_partition, e.src_offset)) AS position,
    e.event_time AS event_time,
    e.day AS day,
    e.event AS event,
    e.kind AS kind,
    e.stage AS stage,
    e.page AS page,
    e.page_title AS page_title,
    e.channel AS channel,
    e.source AS source,
    e.acquisition_channel AS acquisition_channel,
    e.utm_source AS utm_source,
    e.utm_medium AS utm_medium,
    e.utm_campaign AS utm_campaign,
    e.session_id AS session_id,
    e.device_type AS device_type,
    e.country AS country,
    e.revenue AS revenue,
    e.currency AS currency,
    e.order_id AS order_id,
    e.user_id AS user_id,
    e.anonymous_id AS anonymous_id,
    e.properties AS properties
FROM touchline.visit_events AS e
WHERE ({project:String} = '*' OR e.project = {project:String})
  AND (SELECT ok FROM touchline.allowed(project = {project:String}))
  AND (SELECT ok FROM touchline.visit_person(person_id = {person_id:String}))
  AND e.stamped_id IN
  (
      SELECT unified_id
      UNION ALL
      SELECT old_id FROM touchline.person_map WHERE new_id = unified_id
  )
ORDER BY position
COMMENT '${comment}'
