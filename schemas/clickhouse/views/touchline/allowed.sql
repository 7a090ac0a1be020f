-- Lets a parameterized view go on if its caller may see the project, and ends the
-- query otherwise: a project that it may not read must not look like an empty one. (Who
-- may read every project may also name one of which nothing has come yet.)
-- '*' is every project that the caller may see, which the base views see to. Use it
-- as a scalar sub-query, because throwIf in a plain WHERE is not reached when no rows
-- are read:
--
--   WHERE (SELECT ok FROM touchline.allowed(project = {project:String}))
CREATE OR REPLACE VIEW touchline.allowed AS
SELECT throwIf(count() = 0 AND {project:String} != '*', 'project: no access to it') = 0 AS ok
FROM touchline.bi_access
WHERE user = currentUser()
  AND project IN ('*', {project:String})
