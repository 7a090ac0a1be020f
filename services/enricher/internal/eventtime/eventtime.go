// Package eventtime decides when an event happened: it reads the times that the
// SDK gave and the time of receipt, and writes the event time, its day in the
// project's time zone and how it came about.
//
// The result depends on nothing but the envelope of the first receipt, so it is
// frozen with it: a retry is recognised as a duplicate and never moves it.
package eventtime

import (
	"time"

	"touchline.dev/schemas/event"
	"touchline.dev/services/enricher/internal/pipeline"
)

// MinSkew is the difference between the clocks of device and collector from
// which the device's time is corrected; what is less is the travel of the
// request.
const MinSkew = time.Second

// Earliest is the earliest event time, 1971-01-01 UTC in milliseconds since
// 1970. Clocks that were never set stand before it, and every column of a time
// or a day can hold it in every time zone.
const Earliest = 365 * 24 * 60 * 60 * 1000

// endpointImport is the call that brings in history.
const endpointImport = "import"

// Step returns the step "time". It needs the touchpoint's OriginalTimestamp and
// SentAt, sets EventTime, TimeSource and Day, and never refuses an event.
func Step() pipeline.Step { return pipeline.Step{Name: "time", Run: run} }

func run(e *pipeline.Event) pipeline.Verdict {
	t := e.Touchpoint
	oldest, live := int64(Earliest), e.Raw.Endpoint != endpointImport
	if live {
		oldest = max(oldest, e.Raw.ReceivedAt-e.Project.Limits.MaxAge.Milliseconds())
	}
	t.EventTime, t.TimeSource = decide(t, e.Raw.ReceivedAt, oldest, live)
	t.Day = e.Project.Day(t.EventTime)
	return pipeline.Verdict{}
}

// decide applies the rule: the skew of the device's clock is received - sent; it
// is added to the original time when it is MinSkew or more either way and the
// original is not after sent. The result is kept within [oldest, received]. An event
// that is not live was sent long before it was received, so there is no skew in it.
// All times are within the years -2000 to 9999, so no difference overflows.
func decide(t *event.Touchpoint, received, oldest int64, live bool) (int64, event.TimeSource) {
	if !t.HasOriginalTimestamp {
		return received, event.TimeReceipt
	}
	at, source := t.OriginalTimestamp, event.TimeClient
	if live && t.HasSentAt && t.OriginalTimestamp <= t.SentAt {
		if skew := received - t.SentAt; max(skew, -skew) >= MinSkew.Milliseconds() {
			at, source = at+skew, event.TimeCorrected
		}
	}
	if kept := min(max(at, oldest), received); kept != at {
		return kept, event.TimeClamped
	}
	return at, source
}
