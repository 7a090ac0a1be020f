// Package touchpoints30 is a table of 30 columns, 12 of them LowCardinality, and
// what fills it: the size of table with which other ways from Kafka into ClickHouse
// have been measured. The real table has twice as many columns.
//
// It reads records of the dense log and makes blocks for landing as the enricher's
// builder does: one row for a stored event, none for another.
package touchpoints30
