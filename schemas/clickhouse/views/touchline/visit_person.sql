-- Refuses what is no id of a person: a mistyped one must not look like a person who
-- did nothing.
CREATE OR REPLACE VIEW touchline.visit_person AS
SELECT throwIf(NOT match({person_id:String}, '^[0-9A-Fa-f]{16}$'), 'person_id: want 16 hex digits') = 0 AS ok
