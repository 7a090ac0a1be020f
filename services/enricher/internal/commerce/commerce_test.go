package commerce

import (
	"encoding/json"
	"fmt"
	"math"
	"os"
	"strconv"
	"strings"
	"testing"

	"touchline.dev/schemas/event"
	"touchline.dev/services/enricher/internal/kind"
	"touchline.dev/services/enricher/internal/pipeline"
)

// A line of testdata/amounts.txt is the name of a track event, the amount that the
// adapter read, properties and context, and the revenue and context that must come
// of them.
func TestAmounts(t *testing.T) {
	text, err := os.ReadFile("testdata/amounts.txt")
	if err != nil {
		t.Fatal(err)
	}
	names, n := kind.New(), 0
	step := Step(names)
	for line := range strings.Lines(string(text)) {
		cells := strings.Split(strings.TrimRight(line, "\n"), " | ")
		if len(cells) == 1 || cells[0] == "event" {
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
		p := event.Touchpoint{Event: cells[0], RevenueE4: e4(t, cells[1]), Properties: []byte(cells[2]), Context: []byte(cells[3])}
		p.Kind, _ = names.Of(p.Event)
		e := pipeline.Event{Touchpoint: &p}
		if verdict := step.Run(&e); verdict != (pipeline.Verdict{}) || p.RevenueE4 != e4(t, cells[4]) || string(p.Context) != cells[5] {
			t.Errorf("%s: %+v %d %s", strings.TrimSpace(line), verdict, p.RevenueE4, p.Context)
		}
		n++
	}
	if n < 25 {
		t.Errorf("%d cases", n)
	}
}

func e4(t *testing.T, text string) int64 {
	if text == "" {
		return 0
	}
	v, err := strconv.ParseFloat(text, 64)
	if err != nil {
		t.Fatal(err)
	}
	return int64(math.Round(v * 10000))
}

// Whatever the amount and the context, the context stays an object that has all its
// members and the amount to the last digit.
func FuzzKeep(f *testing.F) {
	for _, context := range []string{"", "{}", `{ "a" : 1 }`, "{\n\t}", `{"amount":1}`} {
		for _, amount := range []int64{1, -1, 12345, 10000, math.MaxInt64, math.MinInt64} {
			f.Add(amount, context)
		}
	}
	f.Fuzz(func(t *testing.T, amount int64, context string) {
		var before map[string]json.RawMessage
		if context != "" && (context[0] != '{' || json.Unmarshal([]byte(context), &before) != nil) {
			t.Skip()
		}
		p := event.Touchpoint{RevenueE4: amount, Context: []byte(context)}
		keep(&pipeline.Event{Touchpoint: &p})
		var after map[string]json.RawMessage
		if err := json.Unmarshal(p.Context, &after); err != nil {
			t.Fatalf("%s: %v", p.Context, err)
		}
		for name := range before {
			if name != "amount" && string(after[name]) != string(before[name]) {
				t.Errorf("%s lost %s", p.Context, name)
			}
		}
		if _, was := before["amount"]; was {
			return
		}
		sign, abs := "", uint64(amount)
		if amount < 0 {
			sign, abs = "-", -abs
		}
		if want := fmt.Sprintf("%s%d.%04d", sign, abs/10000, abs%10000); string(after["amount"]) != want {
			t.Errorf("%s, want %s", after["amount"], want)
		}
	})
}

func TestAllocatesNothing(t *testing.T) {
	step := Step(kind.New())
	for _, k := range []string{"order", "refund", "cart_add", "custom"} {
		p := event.Touchpoint{Kind: k, Event: "Order Updated"}
		e := pipeline.Event{Touchpoint: &p, Scratch: make([]byte, 0, 256)}
		if n := testing.AllocsPerRun(100, func() {
			p.RevenueE4, p.Context, e.Scratch = 12345, nil, e.Scratch[:0]
			step.Run(&e)
		}); n != 0 {
			t.Errorf("%s: %v allocations", k, n)
		}
	}
}

func BenchmarkStep(b *testing.B) {
	step := Step(kind.New())
	for _, c := range []struct {
		kind   string
		amount int64
	}{{"page_view", 0}, {"order", 1299000}, {"cart_add", 1299000}} {
		b.Run(c.kind, func(b *testing.B) {
			p := event.Touchpoint{Kind: c.kind, Properties: []byte(`{"product_id":"p-1","price":129.9,"quantity":1,"value":129.9}`)}
			e := pipeline.Event{Touchpoint: &p}
			b.ReportAllocs()
			for b.Loop() {
				p.RevenueE4 = c.amount
				step.Run(&e)
			}
		})
	}
}
