// Package clickhouse holds the ClickHouse schema of Touchline as files: numbered
// migrations of the database touchline (tables), and the views of the databases
// touchline and analytics, one object a file. It also lists, in Go, the columns
// that services write, so that a writer and the table cannot drift apart unseen.
//
// The package only embeds and lists; it does no I/O. services/internal/clickhouse
// applies what stands here.
package clickhouse
