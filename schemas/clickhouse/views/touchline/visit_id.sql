-- Refuses an empty id: events without one are of no one person.
CREATE OR REPLACE VIEW touchline.visit_id AS
SELECT throwIf({id:String} = '', 'id: want a user_id or an anonymous_id') = 0 AS ok
