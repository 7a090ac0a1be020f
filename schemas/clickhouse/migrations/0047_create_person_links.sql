-- Which devices belong to which users, one row for each device in the end: what
-- identity_links says, without the evidence. Analytics read it through the dictionary
-- person_map only, where a row of person_overrides is above every one of these.
--
-- A device counts to the first user whom it was linked to: what it did before anybody
-- logged in is his. What it does after a later login is stamped with the later user.
CREATE TABLE IF NOT EXISTS touchline.person_links
(
    project LowCardinality(String)  COMMENT 'id of the project',
    old_id  UInt64                  COMMENT 'person id of the device, as stamped on the rows',
    new_id  UInt64                  COMMENT 'person id of the user',
    version UInt64                  COMMENT 'falls with the time of the link: the highest counts'
)
ENGINE = ReplacingMergeTree(version)
ORDER BY (project, old_id)
SETTINGS non_replicated_deduplication_window = 100000
COMMENT 'Devices that were linked to users'
