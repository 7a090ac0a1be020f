-- Takes rows and keeps none: the way to ask which rows of a block touchpoints
-- would refuse, with no token used and nothing written. It refuses what
-- touchpoints refuses because it has the same columns and constraints; a migration
-- that changes those of one table changes the other, too.
CREATE TABLE IF NOT EXISTS touchline.touchpoints_probe AS touchline.touchpoints
ENGINE = Null
COMMENT 'Refuses the rows that touchpoints refuses, stores none'
