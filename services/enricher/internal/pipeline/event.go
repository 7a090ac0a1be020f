package pipeline

import (
	"touchline.dev/schemas/event"
	"touchline.dev/schemas/projects"
)

// Event is one raw record on its way through the steps. Its exported fields up
// to Offset are set by the caller before Run and read by steps; the rest is
// the working state of the run. The zero value is ready for use, and one Event is
// best used for all the records of a partition: it keeps its memory.
type Event struct {
	// Raw is the decoded record; never nil.
	Raw *event.Raw
	// Receipt is the receipt id, from the record's header.
	Receipt [16]byte
	// MessageHash is the hash of project and message id, from the record's
	// header; nil where the SDK sent no id.
	MessageHash []byte
	// Project is never nil: a project that left the projects file is given with
	// defaults.
	Project *projects.Project
	// Key is the record's key.
	Key []byte
	// Replay says that an operator sent a rejected event again.
	Replay bool
	// Clock is the partition's time at the record, in milliseconds since 1970; it
	// never falls.
	Clock int64
	// Offset is that of the raw record.
	Offset int64

	// Touchpoint is being filled; Run sets it.
	Touchpoint *event.Touchpoint
	// Session is the SDK's own name of the session, if it has one.
	Session string
	// Site names the site whose visitor did this, where the protocol gives its
	// visitors no ids; they are then told apart by address and browser for a day.
	// Empty: an event that names nobody cannot be used. Run empties it.
	Site string
	// Extra holds the members of the event that have no field of their own, as
	// they were written: "name":value, each followed by a comma. They end up in
	// the touchpoint's context. Run empties it.
	Extra []byte
	// Scratch is memory for decoded text. Steps only append to it, and may hand
	// out strings that alias it: Run empties it before the next event.
	Scratch []byte
}

// Verdict is what a step decides about an event. The zero value means: go on
// with the next step.
type Verdict struct {
	// Outcome is empty, Duplicate, Rejected or Dropped.
	Outcome event.Outcome
	// Reason is one of event.EventReasons when Outcome is Duplicate or Rejected.
	Reason event.Reason
	// Field is the path of the value at fault ("context.page"), empty when it is
	// the event as a whole. It names fields of the protocol, never of the client.
	Field string
	// Message says what was wrong, for a person; at most 512 bytes.
	Message string
}

// Reject returns the verdict that refuses an event.
func Reject(reason event.Reason, field, message string) Verdict {
	return Verdict{Outcome: event.Rejected, Reason: reason, Field: field, Message: message}
}

// Step is one named part of the enrichment. Name is the stage in a rejection.
type Step struct {
	Name string
	Run  func(*Event) Verdict
}
