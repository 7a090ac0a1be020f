package clickhouse

import "strings"

// Literal returns text as a ClickHouse string literal. It is the only way by which a
// text that somebody else chose comes into SQL.
//
// Quotes, backslashes and the control characters that end lines or texts somewhere are
// escaped, so that a literal is on one line; every other byte stands for itself.
func Literal(text string) string {
	return "'" + strings.NewReplacer(`\`, `\\`, `'`, `\'`, "\x00", `\0`, "\n", `\n`, "\r", `\r`).Replace(text) + "'"
}
