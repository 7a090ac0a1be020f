// Package access holds the tests of who sees what in the database analytics. Nothing
// is listed by hand: they go through every view that is there, so a view that is
// added without protection, or that takes nonsense for a parameter, fails them.
//
// They read the views as the user of BI tools, who may read one of two projects, and
// as the writer, who may read both.
package access
