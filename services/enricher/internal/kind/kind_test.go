package kind

import (
	"os"
	"slices"
	"strings"
	"testing"

	"touchline.dev/schemas/event"
	"touchline.dev/services/enricher/internal/pipeline"
)

// The table is closed: kinds of the list only, no name twice under two kinds, and
// none that is too long to be found.
func TestTable(t *testing.T) {
	kinds := Kinds()
	of := map[string]string{}
	for _, kind := range kinds {
		if of[plain(kind)] != "" {
			t.Errorf("kind %s stands twice", kind)
		}
		of[plain(kind)] = kind
	}
	for _, entry := range names() {
		if !slices.Contains(kinds, entry.kind) {
			t.Errorf("%q is no kind", entry.kind)
		}
		for _, name := range entry.names {
			p := plain(name)
			if before := of[p]; before != "" && before != entry.kind {
				t.Errorf("%q is %s and %s", name, before, entry.kind)
			}
			if of[p] = entry.kind; p == "" || len(p) > longest {
				t.Errorf("%q has %d letters", name, len(p))
			}
		}
	}
	table := New()
	if len(table.kinds) != len(of) {
		t.Errorf("%d names, want %d", len(table.kinds), len(of))
	}
	for p, kind := range of {
		if got, known := table.Of(p); got != kind || !known {
			t.Errorf("%q is %s, %v; want %s", p, got, known, kind)
		}
	}
}

// A line of testdata/names.txt is a kind, a tab and a name of it; after a question
// mark the name is in no table.
func TestNames(t *testing.T) {
	text, err := os.ReadFile("testdata/names.txt")
	if err != nil {
		t.Fatal(err)
	}
	table, seen := New(), map[string]bool{}
	for line := range strings.Lines(string(text)) {
		want, name, ok := strings.Cut(strings.TrimRight(line, "\n"), "\t")
		if !ok {
			continue // a heading
		}
		want, unknown := strings.CutSuffix(want, "?")
		kind, known := table.Of(name)
		if kind != want || known == unknown {
			t.Errorf("%q is %s (known: %v), want %s", name, kind, known, want)
		}
		seen[want] = true
	}
	for _, kind := range Kinds() {
		if !seen[kind] {
			t.Errorf("no example of %s", kind)
		}
	}
}

func TestStep(t *testing.T) {
	step := New().Step()
	for _, c := range []struct{ typ, name, given, properties, want string }{
		{"track", "Product Added", "", "", "cart_add"},
		{"track", "anything else", "", "", "custom"},
		{"page", "page_view", "page_view", "", "page_view"},
		{"identify", "identify", "identify", "", "identify"},
		{"track", "snowplow_ecommerce_action", "", `{"type":"add_to_cart","name":"x"}`, "cart_add"},
		{"track", "snowplow_ecommerce_action", "", `{"type":"transaction"}`, "order"},
		{"track", "snowplow_ecommerce_action", "", `{"type":"re\u0066und"}`, "refund"},
		{"track", "snowplow_ecommerce_action", "", `{"type":7}`, "custom"},
		{"track", "snowplow_ecommerce_action", "", ``, "custom"},
	} {
		e := pipeline.Event{Touchpoint: &event.Touchpoint{Type: c.typ, Event: c.name, Kind: c.given, Properties: []byte(c.properties)}}
		if verdict := step.Run(&e); verdict != (pipeline.Verdict{}) || e.Touchpoint.Kind != c.want {
			t.Errorf("%s %q: %+v %q, want %q", c.typ, c.name, verdict, e.Touchpoint.Kind, c.want)
		}
	}
}

func FuzzOf(f *testing.F) {
	table := New()
	for _, name := range []string{"", "Order Completed", strings.Repeat("a ", 100), "Búcsú", "\xff"} {
		f.Add(name)
	}
	f.Fuzz(func(t *testing.T, name string) {
		kind, known := table.Of(name)
		if !slices.Contains(Kinds(), kind) || !known && kind != Custom {
			t.Errorf("%q is %q, %v", name, kind, known)
		}
		if again, _ := table.Of(strings.ToUpper(plain(name)) + " "); again != kind && !strings.ContainsFunc(name, func(r rune) bool { return r >= 0x80 }) {
			t.Errorf("%q is %q, in upper case %q", name, kind, again)
		}
	})
}

func BenchmarkStep(b *testing.B) {
	step := New().Step()
	for _, name := range []string{"Order Completed", "Some Other Thing Happened", strings.Repeat("long name ", 25)} {
		b.Run(name[:10], func(b *testing.B) {
			e := pipeline.Event{Touchpoint: &event.Touchpoint{Type: "track", Event: name}}
			b.ReportAllocs()
			for b.Loop() {
				step.Run(&e)
			}
		})
	}
}
