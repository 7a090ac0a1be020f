package adapt_test

import (
	"bytes"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"

	"touchline.dev/schemas/event"
	"touchline.dev/schemas/ids"
	"touchline.dev/schemas/projects"
	"touchline.dev/services/enricher/internal/adapt"
	"touchline.dev/services/enricher/internal/pipeline"
)

var update = flag.Bool("update", false, "write the results of this run to testdata")

func newStep(t testing.TB) pipeline.Step {
	t.Helper()
	secret, err := ids.ParseSecret("000102030405060708090a0b0c0d0e0f")
	if err != nil {
		t.Fatal(err)
	}
	return adapt.Step(secret, adapt.All())
}

func newProject(t testing.TB) *projects.Project {
	t.Helper()
	set, err := projects.Parse([]byte("projects: [{id: shop, write_keys: [k1], currency: EUR}]"))
	if err != nil {
		t.Fatal(err)
	}
	return set.All()[0]
}

// A file holds cases:
//
//	=== name
//	field: value        (of the envelope, see envelope; none is needed)
//	the event
//	----
//	the touchpoint's fields that are not zero, or the verdict
//
// Run the test with -update after a change of the mapping, and read the diff.
func TestGolden(t *testing.T) {
	files, err := filepath.Glob("testdata/*.txt")
	if err != nil || len(files) == 0 {
		t.Fatalf("no files: %v", err)
	}
	p := pipeline.New(1, []pipeline.Step{newStep(t)})
	project := newProject(t)
	var e pipeline.Event // one for all: nothing may stay from one event to the next
	for _, file := range files {
		data, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		intro, rest, _ := strings.Cut(string(data), "=== ")
		var written strings.Builder
		written.WriteString(intro)
		for block := range strings.SplitSeq(rest, "\n=== ") {
			name, body, _ := strings.Cut(block, "\n")
			input, want, _ := strings.Cut(body, "\n----\n")
			input = strings.TrimRight(input, "\n")
			want = strings.TrimSpace(want)
			var got string
			t.Run(filepath.Base(file)+"/"+name, func(t *testing.T) {
				e.Raw, e.Project, e.Receipt = envelope(t, input), project, [16]byte{1: 0x9a, 6: 0x70, 8: 0x80, 15: 7}
				var out event.Enriched
				p.Run(&e, &out)
				got = show(&out)
				if got != want && !*update {
					t.Errorf("got\n%s\nwant\n%s", got, want)
				}
				checkResult(t, &out)
			})
			fmt.Fprintf(&written, "=== %s\n%s\n----\n%s\n\n", name, input, got)
		}
		if *update {
			if err := os.WriteFile(file, []byte(strings.TrimRight(written.String(), "\n")+"\n"), 0o644); err != nil {
				t.Fatal(err)
			}
		}
	}
}

func envelope(t testing.TB, input string) *event.Raw {
	raw := &event.Raw{Project: "shop", Protocol: "segment", Endpoint: "batch", ReceivedAt: 1773136800000}
	for input != "" {
		line, rest, _ := strings.Cut(input, "\n")
		name, value, ok := strings.Cut(line, ": ")
		if !ok || strings.ContainsAny(name, "{[\"") {
			break
		}
		input = rest
		switch name {
		case "protocol":
			raw.Protocol = value
		case "endpoint":
			raw.Endpoint = value
		case "source":
			raw.Source = value
		case "sent_at":
			raw.SentAt = value
		case "client_ip":
			raw.ClientIP = value
		case "user_agent":
			raw.UserAgent = value
		case "network-userid":
			raw.Headers = []event.Header{{Name: name, Value: value}}
		case "context":
			raw.Context = []byte(value)
		case "reject_reason":
			raw.RejectReason = event.Reason(value)
		case "reject_message":
			raw.RejectMessage = value
		default:
			t.Fatalf("unknown field %q of the envelope", name)
		}
	}
	raw.Event = []byte(input)
	return raw
}

// show writes what is not zero, a line for each field.
func show(out *event.Enriched) string {
	var b strings.Builder
	if out.Outcome != event.Stored {
		r := &out.Rejection
		if out.Outcome == event.Dropped {
			return fmt.Sprintf("%s %s", out.Outcome, out.Reason)
		}
		fmt.Fprintf(&b, "%s %s, stage %s", out.Outcome, out.Reason, r.Stage)
		if r.Field != "" {
			fmt.Fprintf(&b, ", field %s", r.Field)
		}
		fmt.Fprintf(&b, ": %s", r.Message)
		return b.String()
	}
	v := reflect.ValueOf(out.Touchpoint)
	for i := range v.NumField() {
		name, value := v.Type().Field(i).Name, v.Field(i)
		if value.IsZero() || value.Kind() == reflect.Slice && value.Len() == 0 {
			continue
		}
		switch name {
		case "ReceiptID", "Protocol", "HasOriginalTimestamp", "HasSentAt":
			continue
		case "PersonID", "SessionID":
			fmt.Fprintf(&b, "%s %s\n", name, ids.PersonText(value.Uint()))
			continue
		case "OriginalTimestamp", "SentAt":
			fmt.Fprintf(&b, "%s %s\n", name, time.UnixMilli(value.Int()).UTC().Format(time.RFC3339Nano))
			continue
		}
		switch x := value.Interface().(type) {
		case string:
			fmt.Fprintf(&b, "%s %q\n", name, x)
		case []byte:
			fmt.Fprintf(&b, "%s %s\n", name, x)
		case [16]byte:
			fmt.Fprintf(&b, "%s %x\n", name, x)
		default:
			fmt.Fprintf(&b, "%s %v\n", name, x)
		}
	}
	return strings.TrimRight(b.String(), "\n")
}

func TestUnreadableRecord(t *testing.T) {
	p := pipeline.New(7, []pipeline.Step{newStep(t)})
	e := pipeline.Event{Raw: &event.Raw{Event: []byte("\xff\xff")}, Project: newProject(t), Receipt: [16]byte{9}}
	out := event.Enriched{Touchpoint: event.Touchpoint{Type: "left over"}}
	p.Reject(&e, "decode", pipeline.Reject(event.UnreadableRecord, "", "not an envelope"), &out)
	if out.Outcome != event.Rejected || out.Reason != event.UnreadableRecord || out.EnrichmentVersion != 7 ||
		out.Rejection.Stage != "decode" || out.Rejection.ReceiptID != e.Receipt || !bytes.Equal(out.Rejection.Raw.Event, e.Raw.Event) ||
		out.Touchpoint.Type != "" {
		t.Errorf("%+v", out)
	}
}

// goldenEvents returns the events of all cases.
func goldenEvents(t testing.TB) []string {
	files, err := filepath.Glob("testdata/*.txt")
	if err != nil {
		t.Fatal(err)
	}
	var all []string
	for _, file := range files {
		data, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		for line := range strings.Lines(string(data)) {
			if strings.HasPrefix(line, `{"`) {
				all = append(all, strings.TrimSpace(line))
			}
		}
	}
	return all
}
