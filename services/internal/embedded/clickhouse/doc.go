// Package clickhouse runs a real ClickHouse server on this machine as a child
// process that it supervises: with libchdb, the ClickHouse engine as a shared
// library, or with an installed clickhouse binary.
//
// It reads and writes one data directory: ClickHouse's tables, the generated
// configuration, the users' passwords (mode 0600), the logins of BI tools (Logins)
// and the logs. Locate finds the engine and, when there is none, downloads the
// library with npm into a cache directory that all data directories share.
//
// It guarantees that at most one server works on a data directory, that the
// server ends when the process that started it ends, however it ends, that a
// server that dies is started again on the same port, and that nobody reaches
// it without a password. It listens for HTTP only: the engine aborts as a whole
// on a failed login of the native protocol.
//
// A program that starts servers calls RunChildIfRequested first thing in main,
// because the server is a second process of the same program.
package clickhouse
