// Package definition renders what the views with parameters cannot say as SQL: a
// funnel or a retention table whose steps have conditions on properties, that may be
// any event, optional, repeated or the first of its kind, and that is counted and
// broken down in ways of its own. A definition is YAML (Parse) or is put together from
// flags; its SQL is one SELECT without parameters, which a plain view holds. It reads the
// base views of the database touchline, which readers of analytics may not: saved as a
// view, any tool can ask it.
//
// It guarantees that no text of a definition is anything but a literal in the SQL,
// that every column is one of a closed list, and that a definition that has no meaning
// is refused with the key that is wrong and, from a file, its line. The package does
// no I/O. The reference for what a definition means is touchline.dev/services/internal/analytics.
package definition
