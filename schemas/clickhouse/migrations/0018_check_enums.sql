-- The server stores whatever number an insert names for an enum, and then every
-- query fails that reads it as text. A number of no name is refused instead.
ALTER TABLE touchline.touchpoints
    ADD CONSTRAINT IF NOT EXISTS known_enums CHECK toInt8(time_source) BETWEEN 1 AND 4 AND toInt8(schema_status) BETWEEN 0 AND 3
