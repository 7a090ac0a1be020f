// Package adapt turns an event as an SDK wrote it into the canonical touchpoint:
// one adapter for each wire protocol, in a file of its own, found by the
// protocol's name in the envelope.
//
// It reads the envelope and the event's bytes and fills the touchpoint, times as
// the SDK gave them included. It guarantees that nothing an SDK sends is lost:
// properties, traits and context are kept byte for byte, and what has no field of
// its own goes into the context (see finishContext). Exceptions are the write key,
// which some SDKs repeat in each event and which is kept nowhere, and all but the
// last of members that stand twice in an event. An event that cannot be used gets
// one of event.EventReasons and the path of the field at fault. All text it
// writes is valid UTF-8.
package adapt

import (
	"errors"
	"unicode/utf8"

	"touchline.dev/schemas/event"
	"touchline.dev/schemas/ids"
	"touchline.dev/services/enricher/internal/pipeline"
	"touchline.dev/services/internal/jsonscan"
)

// Adapter reads the events of one wire protocol. It has no state, so one serves
// all partitions.
type Adapter interface {
	// Adapt fills e.Touchpoint, e.Session and e.Extra from e.Raw. It leaves to
	// the step what is the same for all protocols: the ids of row, person and
	// session, source and protocol, and the user agent and address where the
	// event gives none. MessageID is set to the SDK's id, as sent.
	Adapt(e *pipeline.Event) pipeline.Verdict
}

// All returns the adapters of this release by the name of their protocol.
func All() map[string]Adapter {
	return map[string]Adapter{
		"segment":     segment{},
		"ga4":         ga4{},
		"snowplow":    snowplow{},
		"posthog":     posthog{},
		"rudderstack": rudderstack{},
		"jitsu":       segment{}, // the same calls
		"amplitude":   amplitude{},
		"mixpanel":    mixpanel{},
		"touchline":   touchline{},
		"webhook":     webhook{},
		"cloudevents": cloudevents{},
		"matomo":      matomo{},
		"plausible":   plausible{},
		"umami":       umami{},
	}
}

// Step returns the step "adapt", which hands an event to the adapter of its
// protocol. secret keys the ids of persons and sessions.
func Step(secret ids.Secret, adapters map[string]Adapter) pipeline.Step {
	return pipeline.Step{Name: "adapt", Run: func(e *pipeline.Event) pipeline.Verdict {
		adapter, ok := adapters[e.Raw.Protocol]
		if !ok {
			return pipeline.Reject(event.UnknownProtocol, "", "no adapter for protocol "+quote(e.Raw.Protocol))
		}
		if !utf8.Valid(e.Raw.Event) {
			return pipeline.Reject(event.InvalidUTF8, "", "the event is not valid UTF-8")
		}
		if verdict := adapter.Adapt(e); verdict.Outcome != "" {
			return verdict
		}
		finish(e, secret)
		return pipeline.Verdict{}
	}}
}

func finish(e *pipeline.Event, secret ids.Secret) {
	t, project := e.Touchpoint, e.Raw.Project
	t.Source, t.Protocol, t.ReceiptID = e.Raw.Source, e.Raw.Protocol, e.Receipt
	var sdk bool
	if t.EventID, sdk = ids.EventID(project, t.MessageID, e.MessageHash, e.Receipt); sdk {
		t.MessageID = ""
	}
	if t.UserAgent == "" {
		t.UserAgent = limited(e, e.Raw.UserAgent, maxUserAgent)
	}
	if t.IP == "" {
		t.IP = address(e, e.Raw.ClientIP)
	}
	if e.Site != "" && t.AnonymousID == "" && t.UserID == "" {
		t.AnonymousID = visitor(e, secret)
	}
	device := t.AnonymousID
	if t.UserID != "" {
		t.PersonID = secret.User(project, t.UserID)
	} else {
		t.PersonID = secret.Device(project, t.AnonymousID)
	}
	if e.Session != "" {
		if device == "" {
			device = t.UserID
		}
		t.SessionID = secret.Session(project, device, e.Session)
	}
}

// refuse returns a verdict by its place, nil being the one that goes on: nearly
// all events pass a dozen checks, and four strings are much to hand on each time.
func refuse(reason event.Reason, field, message string) *pipeline.Verdict {
	verdict := pipeline.Reject(reason, field, message)
	return &verdict
}

// syntaxVerdict says what is wrong with an event that could not be walked to its
// end as an object.
func syntaxVerdict(data []byte, err error) *pipeline.Verdict {
	if errors.Is(err, jsonscan.ErrDepth) {
		return refuse(event.TooDeep, "", "the event is nested too deep")
	}
	if jsonscan.Valid(data) == nil {
		return refuse(event.NotAnObject, "", "the event is not a JSON object")
	}
	return refuse(event.MalformedJSON, "", "the event is not valid JSON")
}
