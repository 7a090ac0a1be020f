// Package oracle holds the views of the database analytics against the reference
// implementation, in tests: the same questions are put to both, about the same
// events, and the rows of the answers must be equal.
//
// Events come from two sources. Vectors are text files (see vectors.go and the
// README beside them) in which a person has written down events, questions and the
// right answers. Random streams are full of what tends to go wrong: many events at
// one instant, at the very end of a window, by one person of several ids, by bots,
// late, across a change of daylight-saving time, with names that want quoting.
//
// Each package of tests answers for a family of objects (families.go) and asks each of
// them in each of its modes (modes.go), by vectors and on streams.
//
// All streams lie in one table as projects, so a question is one query for all of
// them: with the project '*' and a reader who may read every project.
package oracle
