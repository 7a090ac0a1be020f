package adapt

import (
	"strings"
	"testing"

	"touchline.dev/schemas/event"
	"touchline.dev/schemas/projects"
	"touchline.dev/services/enricher/internal/pipeline"
)

func TestForm(t *testing.T) {
	for _, c := range []struct{ query, want string }{
		{"", ""},
		{"?", ""},
		{"&&&", ""},
		{"?a=1&b=2", "a=1|b=2"},
		{"a", "a="},
		{"=x&a==&b=c=d", "=x|a==|b=c=d"},
		{"%61=%31+%32&b=%zz%4", "a=1 2|b=%zz%4"},
		{"a=%ff&%fe=1", "a=\ufffd|\ufffd=1"},
	} {
		var e pipeline.Event
		var got []string
		for f := formOf([]byte(c.query)); f.next(); {
			got = append(got, f.name(&e)+"="+f.whole(&e))
		}
		if all := strings.Join(got, "|"); all != c.want {
			t.Errorf("%q is read as %q, want %q", c.query, all, c.want)
		}
	}
}

func TestKeepText(t *testing.T) {
	var e pipeline.Event
	keepText(&e, "empty", "")
	keepText(&e, "a\"b", "\x00\n\\ é")
	if want := `"a\"b":"\u0000\u000a\\ é",`; string(e.Extra) != want {
		t.Errorf("kept %s, want %s", e.Extra, want)
	}
	e.Extra = nil
	if got := column(&e, "url", "abcé", 4); got != "abc" || string(e.Extra) != `"url":"abcé",` {
		t.Errorf("column %q, kept %s", got, e.Extra)
	}
}

func TestAppendNumber(t *testing.T) {
	for _, c := range [][2]string{
		{"1", "1"}, {"-0.5e+3", "-0.5e+3"}, {"05", `"05"`}, {"1 ", `"1 "`}, {"", `""`}, {"NaN", `"NaN"`}, {"true", `"true"`},
		{"{}", `"{}"`}, {"0x1", `"0x1"`}, {"1\n", `"1\u000a"`},
	} {
		text, want := c[0], c[1]
		if got := string(appendNumber(nil, text)); got != want {
			t.Errorf("%q is written as %s, want %s", text, got, want)
		}
	}
}

func TestPriceText(t *testing.T) {
	for _, c := range []struct {
		amount, code string
		e4           int64
		currency     string
		ok           bool
	}{
		{"12.5", "usd", 125000, "USD", true},
		{" 12.5 ", "", 125000, "EUR", true},
		{"12,5", "", 0, "", false},
		{"12.5", "euro", 125000, "", true},
		{"", "GBP", 0, "GBP", false},
	} {
		e := pipeline.Event{Touchpoint: new(event.Touchpoint), Project: &projects.Project{Currency: "EUR"}}
		ok := priceText(&e, c.amount, c.code)
		if p := e.Touchpoint; ok != c.ok || p.RevenueE4 != c.e4 || p.Currency != c.currency {
			t.Errorf("%q %q: %d %q %v", c.amount, c.code, p.RevenueE4, p.Currency, ok)
		}
	}
}
