package event

// Outcome is what became of an accepted event. Every accepted event has exactly
// one. The same words are the header of the dense log, the metric label and the
// column of the ledger.
type Outcome string

// The outcomes.
const (
	// Stored: one row in touchpoints.
	Stored Outcome = "stored"
	// Duplicate: a retry of an event that was accepted before.
	Duplicate Outcome = "duplicate"
	// Rejected: unusable; its bytes are in the table rejected.
	Rejected Outcome = "rejected"
	// Dropped: left out by a rule of the project.
	Dropped Outcome = "dropped"
	// LostRetention: the broker deleted the records before they were read.
	LostRetention Outcome = "lost_retention"
)

// Outcomes returns every outcome.
func Outcomes() []Outcome {
	return []Outcome{Stored, Duplicate, Rejected, Dropped, LostRetention}
}

// Reason says why a request was refused or an event was not stored. The same
// string is the detail of an HTTP answer, the metric label and the column of the
// table rejected; the list is closed, so labels stay bounded.
type Reason string

// Reasons for refusing a whole request; nothing of it is stored.
const (
	// Unauthorized: no write key, or one that no project has.
	Unauthorized Reason = "unauthorized"
	// OriginDenied: the write key is not for pages of this origin.
	OriginDenied Reason = "origin_denied"
	// BadSignature: the signature is missing, wrong or too old.
	BadSignature Reason = "bad_signature"
	// RateLimited: more events than the write key may send; send them later.
	RateLimited Reason = "rate_limited"
	// BodyTooLarge: the body exceeds the limit, on the wire or unpacked.
	BodyTooLarge Reason = "body_too_large"
	// UnsupportedEncoding: a Content-Encoding that is not spoken here.
	UnsupportedEncoding Reason = "unsupported_encoding"
	// UnreadableBody: the transfer broke off or the compressed stream is corrupt.
	UnreadableBody Reason = "unreadable_body"
	// TooManyEvents: more events in a request than the limit allows.
	TooManyEvents Reason = "too_many_events"
	// Unavailable: the log did not take the events in time; send them again.
	Unavailable Reason = "unavailable"
)

// Reasons for rejecting one event; its bytes are kept.
const (
	// MalformedJSON: not a JSON value.
	MalformedJSON Reason = "malformed_json"
	// MalformedBatch: the request is not the object its protocol asks for, so
	// no events could be told apart; the whole body is kept as one event.
	MalformedBatch Reason = "malformed_batch"
	// NotAnObject: JSON, but not an object.
	NotAnObject Reason = "not_an_object"
	// InvalidUTF8: a byte sequence that is not UTF-8.
	InvalidUTF8 Reason = "invalid_utf8"
	// TooDeep: nested deeper than the limit.
	TooDeep Reason = "too_deep"
	// TooManyKeys: more members than the limit, those of inner objects included.
	TooManyKeys Reason = "too_many_keys"
	// StringTooLong: a string in it is longer than the limit.
	StringTooLong Reason = "string_too_long"
	// EventTooLarge: longer than the limit; the first part is kept.
	EventTooLarge Reason = "event_too_large"
	// UnknownType: a type that is none of the six calls.
	UnknownType Reason = "unknown_type"
	// WrongType: a field holds another JSON type than its protocol says.
	WrongType Reason = "wrong_type"
	// MissingField: a field that the call cannot do without is missing or empty.
	MissingField Reason = "missing_field"
	// MissingIdentity: neither a device nor a user is named.
	MissingIdentity Reason = "missing_identity"
	// FieldTooLong: an id or name is longer than the limit.
	FieldTooLong Reason = "field_too_long"
	// UnknownProtocol: written by a newer collector; no adapter knows it.
	UnknownProtocol Reason = "unknown_protocol"
	// UnreadableRecord: the record of the raw topic is not a raw envelope.
	UnreadableRecord Reason = "unreadable_record"
	// RefusedByStorage: ClickHouse refuses the row, by a constraint or a type.
	RefusedByStorage Reason = "refused_by_storage"
)

// Reasons of what is taken and not stored, so that its sender does not try again.
const (
	// SessionRecording: a piece of a recorded session, which is no touchpoint.
	SessionRecording Reason = "session_recording"
	// Diagnostics: logs, traces and counters of SDKs about themselves.
	Diagnostics Reason = "diagnostics"
	// TestOnly: sent to a path that only checks an event.
	TestOnly Reason = "test_only"
)

// Reasons of duplicates.
const (
	// SameMessage: an event with the same project and message id was accepted.
	SameMessage Reason = "same_message"
	// SameReceipt: the same receipt was appended twice (a producer's retry).
	SameReceipt Reason = "same_receipt"
)

// RequestReasons returns the reasons for which a whole request is refused.
func RequestReasons() []Reason {
	return []Reason{Unauthorized, OriginDenied, BadSignature, RateLimited, BodyTooLarge, UnsupportedEncoding, UnreadableBody, TooManyEvents, Unavailable}
}

// DropReasons returns the reasons for which things are taken and not stored.
func DropReasons() []Reason { return []Reason{SessionRecording, Diagnostics, TestOnly} }

// EventReasons returns the reasons for which one event is rejected or counted as
// a duplicate.
func EventReasons() []Reason {
	return []Reason{
		MalformedJSON, MalformedBatch, NotAnObject, InvalidUTF8, TooDeep, TooManyKeys, StringTooLong, EventTooLarge, UnknownType, WrongType,
		MissingField, MissingIdentity, FieldTooLong, UnknownProtocol, UnreadableRecord, RefusedByStorage, SameMessage, SameReceipt,
	}
}
