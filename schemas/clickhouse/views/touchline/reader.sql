-- Whether whoever asks may read every project. One row.
CREATE OR REPLACE VIEW touchline.reader AS
SELECT count() > 0 AS everything
FROM touchline.bi_access
WHERE user = currentUser() AND project = '*'
