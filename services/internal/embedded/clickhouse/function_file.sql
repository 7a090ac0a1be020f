CREATE FUNCTION file AS (path) -> CAST(throwIf(true, 'files cannot be read here'), 'String')
