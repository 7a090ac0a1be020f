-- Fills person_links: each link unifies a device with its user.
CREATE MATERIALIZED VIEW IF NOT EXISTS touchline.person_links_mv TO touchline.person_links
DEFINER = CURRENT_USER SQL SECURITY DEFINER
AS SELECT
    project,
    device_person AS old_id,
    user_person AS new_id,
    version
FROM touchline.identity_links
