// Package pipeline runs one raw event through a list of named steps and files
// the result: stored with its canonical touchpoint, duplicate, rejected with the
// original bytes, or dropped.
//
// It reads an event.Raw with what the record's headers say and writes an
// event.Enriched. It guarantees one outcome for each event, whatever its bytes
// hold. It does no I/O; a step that keeps state (dedup) is injected.
package pipeline

import "touchline.dev/schemas/event"

// StageCollect is the stage of events that the collector itself found unusable.
const StageCollect = "collect"

// maxScratch is how much of either working buffer an Event keeps from one run to
// the next; only events of about this size need more.
const maxScratch = 256 << 10

// Pipeline is a list of steps with the version of their rules. It is as safe for
// concurrent use as its steps are; the usual way is one for each partition.
type Pipeline struct {
	version uint32
	steps   []Step
}

// New returns a pipeline of these steps, run in this order. version is stamped on
// every result.
func New(version uint32, steps []Step) *Pipeline {
	return &Pipeline{version: version, steps: steps}
}

// Run decides about e and overwrites out with the result. Strings and slices of
// out alias e.Raw and e's buffers: they hold until the next Run with the same e or
// until the buffer under e.Raw changes, so out is encoded before that. In the
// steady state it allocates nothing.
func (p *Pipeline) Run(e *Event, out *event.Enriched) {
	p.begin(e, out)
	if reason := e.Raw.RejectReason; reason != "" {
		reject(e, out, StageCollect, Reject(reason, "", e.Raw.RejectMessage))
		return
	}
	for i := range p.steps {
		verdict := p.steps[i].Run(e)
		switch verdict.Outcome {
		case "":
			continue
		case event.Rejected:
			reject(e, out, p.steps[i].Name, verdict)
		default:
			out.Outcome, out.Reason = verdict.Outcome, verdict.Reason
		}
		return
	}
	out.Outcome = event.Stored
}

// Reject files e as refused by stage without running a step: for what went wrong
// before there was an event, such as a record that is no raw envelope (its bytes
// then stand in e.Raw.Event).
func (p *Pipeline) Reject(e *Event, stage string, verdict Verdict, out *event.Enriched) {
	p.begin(e, out)
	reject(e, out, stage, verdict)
}

func (p *Pipeline) begin(e *Event, out *event.Enriched) {
	reasons := out.Touchpoint.BotReasons[:0]
	*out = event.Enriched{} // in place: a value with fields would be made and copied
	out.Project, out.ReceivedAt, out.EnrichmentVersion = e.Raw.Project, e.Raw.ReceivedAt, p.version
	out.Touchpoint.BotReasons = reasons
	e.Touchpoint = &out.Touchpoint
	e.Session, e.Site = "", ""
	e.Scratch, e.Extra = emptied(e.Scratch), emptied(e.Extra)
}

func emptied(b []byte) []byte {
	if cap(b) > maxScratch {
		return nil
	}
	return b[:0]
}

func reject(e *Event, out *event.Enriched, stage string, verdict Verdict) {
	out.Outcome, out.Reason = event.Rejected, verdict.Reason
	out.Rejection = event.Rejection{
		Stage:     stage,
		Message:   verdict.Message,
		Field:     verdict.Field,
		Raw:       *e.Raw,
		ReceiptID: e.Receipt,
	}
}
