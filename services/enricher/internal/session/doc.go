// Package session finds the session of every event of a device: the SDK's own
// where it names one, else one that is found by the gaps between the device's
// events.
//
// # The rule
//
// A device is an anonymous id, or a user where there is none. Each of its sessions
// reaches from its first event to its last. An event belongs to the session that is
// nearest to it in time, if that is at most Gap away and no longer than Longest with
// the event in it; a session that it lies between two of is the earlier one. Else it
// begins a session. Midnight ends nothing, and neither does another campaign.
//
// Events count in the order of the log, so one that comes late joins the session
// that it lies in or next to, and moves its first time back if it lies before it. If
// it bridges two sessions they remain two: rows that are written are not changed. A
// late event that is near no session has one of its own, which later ones join.
//
// An event with a session of the SDK's own is in that one, however far away it is,
// and the device's events without such a session find it by the same rule as any
// other.
//
// Not every event says that somebody was there (see Role). The calls identify, group
// and alias, and what happens in a mailbox, on a phone's screen, in an advertisement
// or in a CRM, are in a session if they lie within Gap of it; they neither lengthen
// it nor begin one. The signs of life that pages send by themselves lengthen a
// session, and begin none.
//
// # The state
//
// What is remembered is a function of the records of the partition, in their order,
// and of nothing else: sessions for Keep after their last event by the partition's
// own time, of a device the last PerDevice of them, of a partition the last
// PerPartition. Each record of the dense log says what its session was with it, so
// the records of the last Keep before a place of the log, given to Restore in their
// order, make exactly the state at that place, as far as an event can meet it.
//
// The package reads the touchpoint and the time of the partition, and writes the
// touchpoint's session. It does no I/O and, in the steady state, allocates nothing.
package session
