package channel

import (
	"os"
	"slices"
	"strings"
	"testing"

	"touchline.dev/schemas/event"
	"touchline.dev/services/enricher/internal/kind"
	"touchline.dev/services/enricher/internal/pipeline"
)

// A line of testdata/channels.txt is the channel that was given, the kind, the
// operating system, the user agent of the event, that of the request, and the
// channel that must come of it.
func TestChannels(t *testing.T) {
	text, err := os.ReadFile("testdata/channels.txt")
	if err != nil {
		t.Fatal(err)
	}
	step, seen, n := Step(), map[string]bool{}, 0
	for line := range strings.Lines(string(text)) {
		cells := strings.Split(strings.TrimRight(line, "\n"), " | ")
		if len(cells) == 1 || cells[0] == "given" {
			continue // prose
		}
		if len(cells) != 6 {
			t.Fatalf("%d columns: %s", len(cells), line)
		}
		for i := range cells {
			if cells[i] = strings.TrimSpace(cells[i]); cells[i] == "-" {
				cells[i] = ""
			}
		}
		if !slices.Contains(kind.Kinds(), cells[1]) || cells[0] != "" && !slices.Contains(Channels(), cells[0]) {
			t.Errorf("no such kind or channel: %s", line)
		}
		e := pipeline.Event{
			Raw:        &event.Raw{UserAgent: cells[4]},
			Touchpoint: &event.Touchpoint{Channel: cells[0], Kind: cells[1], OS: cells[2], UserAgent: cells[3]},
		}
		if verdict := step.Run(&e); verdict != (pipeline.Verdict{}) || e.Touchpoint.Channel != cells[5] {
			t.Errorf("%s: %+v %q", strings.TrimSpace(line), verdict, e.Touchpoint.Channel)
		}
		seen[cells[5]] = true
		n++
	}
	for _, channel := range Channels() {
		if !seen[channel] {
			t.Errorf("no case of %s", channel)
		}
	}
	if n < 40 {
		t.Errorf("%d cases", n)
	}
}

// Every kind leads to a channel of the list, whatever was given.
func TestEveryKind(t *testing.T) {
	step := Step()
	for _, kind := range kind.Kinds() {
		for _, given := range append(Channels(), "") {
			e := pipeline.Event{Raw: &event.Raw{}, Touchpoint: &event.Touchpoint{Channel: given, Kind: kind}}
			if step.Run(&e); !slices.Contains(Channels(), e.Touchpoint.Channel) {
				t.Errorf("%s, given %q: %q", kind, given, e.Touchpoint.Channel)
			}
		}
	}
}

func BenchmarkStep(b *testing.B) {
	step := Step()
	for _, c := range []struct{ name, channel, kind string }{{"web", "web", "page_view"}, {"server", "", "order"}} {
		b.Run(c.name, func(b *testing.B) {
			e := pipeline.Event{Raw: &event.Raw{UserAgent: "node"}, Touchpoint: &event.Touchpoint{Kind: c.kind, UserAgent: "node"}}
			b.ReportAllocs()
			for b.Loop() {
				e.Touchpoint.Channel = c.channel
				step.Run(&e)
			}
		})
	}
}
