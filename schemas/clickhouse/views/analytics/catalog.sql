-- Every view with its parameters and columns, for people and for tools that look for
-- them: schema browsers show a view with parameters without columns. The rows are
-- made from the heads of the files in this folder.
--
-- summary | What there is to read: every view with its parameters, columns and examples
CREATE OR REPLACE VIEW analytics.catalog
(
    view        String COMMENT 'name of the view',
    summary     String COMMENT 'what it answers',
    part        String COMMENT 'parameter or column',
    position    Int64  COMMENT 'from 1',
    name        String COMMENT 'name of the parameter or column',
    type        String COMMENT 'ClickHouse type; Identifier = the name of a column as text',
    description String COMMENT 'meaning and unit',
    example     String COMMENT 'SQL text of a value of the parameter; empty for a column'
)
DEFINER = CURRENT_USER SQL SECURITY DEFINER
AS
SELECT
    entry.1 AS view,
    entry.2 AS summary,
    entry.3 AS part,
    toInt64(row_number() OVER (PARTITION BY entry.1, entry.3 ORDER BY number)) AS position,
    entry.4 AS name,
    entry.5 AS type,
    entry.6 AS description,
    entry.7 AS example
FROM
(
    SELECT
        arrayJoin(arrayEnumerate(entries)) AS number,
        entries[number] AS entry
    FROM
    (
        SELECT [
            ${catalog}
        ] AS entries
    )
)
ORDER BY view, part DESC, position
COMMENT '${comment}'
