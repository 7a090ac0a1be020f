-- Which persons an id belongs to: what to ask analytics.timeline with when all that is
-- known is the id of a user or of a device.
--
-- A user is one person. A device has a row for each person whose events it sent: with
-- several, it is shared, or it was used before anybody logged in and then by two. An id
-- that is both a user's and a device's has a row for each.
--
-- An e-mail address is found here when it was sent as the id of the user. Bots are left
-- out.
--
-- summary | The persons that the id of a user or device belongs to
-- param  | project | String | 'demo' | id of the project, or * for all that you may read
-- param  | id | String | 'user-1' | user_id or anonymous_id, as the SDK sent it
-- column | project | String | id of the project
-- column | person_id | String | the person, unified, 16 hex digits
-- column | matched | String | what the id is: user_id or anonymous_id
-- column | first_time | DateTime64(3, 'UTC') | first event with the id
-- column | last_time | DateTime64(3, 'UTC') | last event with the id; the time column
-- column | day | Date | UTC date of the last event
-- column | events | Int64 | events of the person with the id
CREATE OR REPLACE VIEW analytics.timeline_persons
DEFINER = CURRENT_USER SQL SECURITY DEFINER
AS
SELECT
    any(f.project) AS project,
    leftPad(hex(f.person_id), 16, '0') AS person_id,
    f.matched AS matched,
    min(f.first_time) AS first_time,
    max(f.last_time) AS last_time,
    toDate(last_time) AS day,
    toInt64(sum(f.events)) AS events
FROM touchline.visit_ids(project = {project:String}, id = {id:String}) AS f
GROUP BY f.person_id, f.matched
ORDER BY project, last_time DESC, person_id, matched
COMMENT '${comment}'
