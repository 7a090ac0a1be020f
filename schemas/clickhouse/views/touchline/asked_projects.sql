-- The projects that a call is about: the one that is named, also if it has no
-- events, or for '*' all that the caller may read. What shows intervals of nobody
-- takes its rows from here, so that the answer for '*' holds those of each project.
CREATE OR REPLACE VIEW touchline.asked_projects AS
SELECT toString(p.project) AS project
FROM touchline.projects AS p
WHERE {project:String} = '*'
UNION ALL
SELECT {project:String} AS project
WHERE {project:String} != '*'
