// Package clickhouse holds the ClickHouse schema of Touchline as files: numbered
// migrations of the database touchline (tables), and the views of the databases
// touchline and analytics, one object a file. It also lists, in Go, the columns
// that services write, so that a writer and the table cannot drift apart unseen.
//
// To change a table, add a migration that may be run twice (ADD COLUMN IF NOT
// EXISTS), and where services write the column, a line in columns.go. To change a
// view, change its file; the migrator creates it anew. A view that is new also
// takes its place in Views. A materialized view is changed by dropping it and making
// it anew, in two migrations: after MODIFY QUERY a repeated insert is not recognised
// across the next start of the server. Columns and parameters in the database analytics are a
// public contract: they are added to, never changed.
//
// The package only embeds and lists; it does no I/O. services/internal/clickhouse
// applies what stands here.
package clickhouse
