// Package bi looks after the users of BI tools: which projects they may read
// (Rights), what a ClickHouse server of one's own has to be told about them
// (Statements), and whether one can do what a tool needs and nothing else (Check).
//
// It reads the database analytics as such a user, and reads and writes the table
// touchline.bi_access as the writer.
package bi
