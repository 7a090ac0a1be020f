-- The server's own user, the services and the BI user see every project, until
-- somebody narrows that down.
INSERT INTO touchline.bi_access (user, project) VALUES ('default', '*'), ('writer', '*'), ('bi', '*')
