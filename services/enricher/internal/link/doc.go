// Package link finds out which user a device belongs to.
//
// # The rule
//
// An event that names a device and a user links the two. What the device does
// afterwards without naming anybody is the user's, until another one links the
// device; the two users stay two. An alias that names a user links the id given up to
// him, as if that were a device's. Ids that stand for nobody never get here: the step
// adapt takes them for absent.
//
// What a device did before its first link carries the person id of the device. The
// record of an event that makes a link says so, and landing makes a row of the table
// identity_links of it; queries count such a device to the first user that was ever
// linked to it.
//
// # The state
//
// What is remembered is a function of the records of the partition, in their order:
// the links of devices that sent something within session.Keep of the partition's
// own time, at most Most of them. Each stored record of the dense log says whose its
// device was, so the records of the last session.Keep before a place of the log,
// given to Restore in their order, make exactly the state at that place, as far as an
// event can meet it. A link is durable in the tables; here it is forgotten when the
// device is silent for longer. An event that names the user then links him again,
// which changes nothing, and one that names nobody carries the id of the device,
// which queries count to its first user.
//
// The package reads the touchpoint's ids and writes its person id and its links. It
// does no I/O.
package link
