package pipeline_test

import (
	"reflect"
	"slices"
	"testing"

	"touchline.dev/schemas/event"
	"touchline.dev/services/enricher/internal/pipeline"
)

// trace returns a step that notes its run and gives a fixed verdict.
func trace(ran *[]string, name string, verdict pipeline.Verdict) pipeline.Step {
	return pipeline.Step{Name: name, Run: func(e *pipeline.Event) pipeline.Verdict {
		*ran = append(*ran, name)
		e.Touchpoint.Name += name
		e.Scratch = append(e.Scratch, name...)
		e.Extra = append(e.Extra, name...)
		e.Session += name
		e.Touchpoint.BotReasons = append(e.Touchpoint.BotReasons, name)
		return verdict
	}}
}

func TestRun(t *testing.T) {
	raw := event.Raw{Project: "shop", ReceivedAt: 17, Event: []byte(`{"a":1}`)}
	refused := raw
	refused.RejectReason, refused.RejectMessage = event.EventTooLarge, "longer than 5 bytes"
	for _, c := range []struct {
		name    string
		raw     event.Raw
		verdict pipeline.Verdict
		ran     []string
		want    event.Enriched
	}{
		{
			"every step goes on", raw, pipeline.Verdict{}, []string{"a", "b", "c"},
			event.Enriched{Outcome: event.Stored, Touchpoint: event.Touchpoint{Name: "abc", BotReasons: []string{"a", "b", "c"}}},
		}, {
			"duplicate", raw, pipeline.Verdict{Outcome: event.Duplicate, Reason: event.SameMessage}, []string{"a", "b"},
			event.Enriched{Outcome: event.Duplicate, Reason: event.SameMessage},
		}, {
			"dropped", raw, pipeline.Verdict{Outcome: event.Dropped}, []string{"a", "b"},
			event.Enriched{Outcome: event.Dropped},
		}, {
			"rejected", raw, pipeline.Reject(event.WrongType, "userId", "userId must be a string"), []string{"a", "b"},
			event.Enriched{Outcome: event.Rejected, Reason: event.WrongType, Rejection: event.Rejection{
				Stage: "b", Field: "userId", Message: "userId must be a string", Raw: raw, ReceiptID: [16]byte{3},
			}},
		}, {
			"refused by the collector", refused, pipeline.Verdict{}, nil,
			event.Enriched{Outcome: event.Rejected, Reason: event.EventTooLarge, Rejection: event.Rejection{
				Stage: pipeline.StageCollect, Message: "longer than 5 bytes", Raw: refused, ReceiptID: [16]byte{3},
			}},
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			var ran []string
			p := pipeline.New(4, []pipeline.Step{
				trace(&ran, "a", pipeline.Verdict{}), trace(&ran, "b", c.verdict), trace(&ran, "c", pipeline.Verdict{}),
			})
			e := pipeline.Event{
				Raw: &c.raw, Receipt: [16]byte{3},
				Session: "left over", Scratch: []byte("left over"), Extra: make([]byte, 1<<20),
			}
			out := event.Enriched{Reason: event.TooDeep, Rejection: event.Rejection{Stage: "left over"}}
			c.want.Project, c.want.ReceivedAt, c.want.EnrichmentVersion = "shop", 17, 4
			for range 2 { // with the same buffers again
				ran = nil
				p.Run(&e, &out)
				got := out
				if got.Outcome != event.Stored {
					got.Touchpoint = event.Touchpoint{} // means nothing then
				}
				if !reflect.DeepEqual(got, c.want) {
					t.Errorf("got  %+v\nwant %+v", got, c.want)
				}
				if !slices.Equal(ran, c.ran) {
					t.Errorf("steps %v, want %v", ran, c.ran)
				}
			}
			if len(c.ran) == 3 && (string(e.Scratch) != "abc" || string(e.Extra) != "abc" || e.Session != "abc") {
				t.Errorf("scratch %q, extra %q, session %q", e.Scratch, e.Extra, e.Session)
			}
			if cap(e.Extra) >= 1<<20 {
				t.Error("a large buffer is kept for ever")
			}
		})
	}
}
