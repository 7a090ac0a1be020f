// Package enricher is the service between the raw log and the tables. It reads
// touchpoints.raw.v1, decides about each event (adapt, time, dedup, user agent),
// writes what became of it to the dense log touchpoints.enriched.v1, and lands
// that log in the ClickHouse tables touchpoints and rejected.
//
// It guarantees one record of the dense log for each raw record, and one row for
// each event that is stored or rejected, through kills and repeats. Several
// enrichers share the partitions; each keeps a deduplication index of those it
// owns, which is rebuilt from the raw log where it is missing.
package enricher
