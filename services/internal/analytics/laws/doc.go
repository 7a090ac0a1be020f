// Package laws holds the tests of what is true of every object of the database
// analytics, whatever it computes. Nothing is listed by hand: they go through the
// views that are described, with values for parameters by their names, so a view that
// is added is held to the laws or fails them.
//
//   - In which order, in which blocks and how often events arrive changes no answer.
//   - Merging persons changes what counts persons; taking the merges back restores
//     every number.
//   - A plain view gives what the view that it stands for gives when it is called with
//     the arguments that its text says.
//   - Every object, in every mode, is held against the reference by a vector and by
//     random streams.
package laws
