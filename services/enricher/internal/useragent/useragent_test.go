package useragent

import (
	"fmt"
	"math/rand/v2"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"

	"touchline.dev/schemas/event"
	"touchline.dev/services/enricher/internal/pipeline"
)

func sortedWords(s string) string {
	words := strings.Fields(s)
	slices.Sort(words)
	return strings.Join(words, " ")
}

// parser is shared: it has no state that a test could spoil.
var parser = sync.OnceValues(func() (*Parser, error) { return New(Default()) })

func testParser(t testing.TB) *Parser {
	t.Helper()
	p, err := parser()
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// agents.txt has a user agent on each line, followed by what is read from it.
func TestKnownAgents(t *testing.T) {
	p := testParser(t)
	data, err := os.ReadFile("testdata/agents.txt")
	if err != nil {
		t.Fatal(err)
	}
	n := 0
	for block := range strings.SplitSeq(strings.TrimSpace(string(data)), "\n\n") {
		text, want, ok := strings.Cut(block, "\n")
		if !ok {
			t.Fatalf("block without a result: %q", block)
		}
		r := p.rules.parse(text)
		got := fmt.Sprintf("device=%q os=%q %q browser=%q %q bot=%v", r.device, r.os, r.osVersion, r.browser, r.browserVersion, r.bot)
		if got != strings.TrimSpace(want) {
			t.Errorf("%s\n got %s\nwant %s", text, got, strings.TrimSpace(want))
		}
		n++
	}
	if n < 20 {
		t.Errorf("only %d user agents", n)
	}
}

const (
	linuxChrome  = "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/156.0.0.0 Safari/537.36"
	androidPhone = "Mozilla/5.0 (Linux; Android 10; K) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/156.0.0.0 Mobile Safari/537.36"
	googlebot    = "Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)"
)

func TestStep(t *testing.T) {
	hints := func(platform, mobile string) []event.Header {
		return []event.Header{{Name: "sec-ch-ua-platform", Value: platform}, {Name: "sec-ch-ua-mobile", Value: mobile}}
	}
	for _, c := range []struct {
		name string
		raw  event.Raw
		in   event.Touchpoint
		want event.Touchpoint
	}{
		{
			"from the user agent", event.Raw{UserAgent: linuxChrome}, event.Touchpoint{},
			event.Touchpoint{DeviceType: "desktop", OS: "Linux", Browser: "Chrome", BrowserVersion: "156.0.0"},
		}, {
			"what the SDK gives stays", event.Raw{UserAgent: linuxChrome},
			event.Touchpoint{DeviceType: "tablet", OS: "iOS", OSVersion: "17"},
			event.Touchpoint{DeviceType: "tablet", OS: "iOS", OSVersion: "17", Browser: "Chrome", BrowserVersion: "156.0.0"},
		}, {
			"no version of another system", event.Raw{UserAgent: androidPhone}, event.Touchpoint{OS: "iOS"},
			event.Touchpoint{DeviceType: "mobile", OS: "iOS", Browser: "Chrome Mobile", BrowserVersion: "156.0.0"},
		}, {
			"hints overrule the system", event.Raw{UserAgent: linuxChrome, Headers: hints(`"Windows"`, "?0")}, event.Touchpoint{},
			event.Touchpoint{DeviceType: "desktop", OS: "Windows", Browser: "Chrome", BrowserVersion: "156.0.0"},
		}, {
			"hints that agree keep the version", event.Raw{UserAgent: androidPhone, Headers: hints(`"Android"`, "?1")}, event.Touchpoint{},
			event.Touchpoint{DeviceType: "mobile", OS: "Android", OSVersion: "10", Browser: "Chrome Mobile", BrowserVersion: "156.0.0"},
		}, {
			"mobile by hint", event.Raw{UserAgent: linuxChrome, Headers: hints(`"Chromium OS"`, "?1")}, event.Touchpoint{},
			event.Touchpoint{DeviceType: "mobile", OS: "Chrome OS", Browser: "Chrome", BrowserVersion: "156.0.0"},
		}, {
			"unknown and hostile hints", event.Raw{UserAgent: linuxChrome, Headers: hints("\"Unknown\"; DROP", "?2")}, event.Touchpoint{},
			event.Touchpoint{DeviceType: "desktop", OS: "Linux", Browser: "Chrome", BrowserVersion: "156.0.0"},
		}, {
			"a server's headers say nothing of its visitor", event.Raw{UserAgent: "node", Headers: hints(`"Windows"`, "?1")},
			event.Touchpoint{UserAgent: linuxChrome},
			event.Touchpoint{DeviceType: "desktop", OS: "Linux", Browser: "Chrome", BrowserVersion: "156.0.0"},
		}, {
			"a crawler is flagged", event.Raw{UserAgent: googlebot}, event.Touchpoint{},
			event.Touchpoint{DeviceType: "bot", Browser: "Googlebot", BrowserVersion: "2.1", IsBot: true, BotReasons: []string{Bot}},
		}, {
			"no user agent", event.Raw{}, event.Touchpoint{}, event.Touchpoint{},
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			if c.in.UserAgent == "" {
				c.in.UserAgent = c.raw.UserAgent
			}
			c.want.UserAgent = c.in.UserAgent
			e := pipeline.Event{Raw: &c.raw, Touchpoint: &c.in}
			if verdict := testParser(t).Step().Run(&e); verdict != (pipeline.Verdict{}) {
				t.Errorf("verdict %+v", verdict)
			}
			if got, want := fmt.Sprintf("%+v", c.in), fmt.Sprintf("%+v", c.want); got != want {
				t.Errorf("got  %s\nwant %s", got, want)
			}
		})
	}
}

func TestHostileAgentsStayBounded(t *testing.T) {
	p, err := New(Config{CacheEntries: 64})
	if err != nil {
		t.Fatal(err)
	}
	r := rand.New(rand.NewPCG(1, 1))
	p.lookup(linuxChrome)
	for range 500 {
		b := make([]byte, r.IntN(2000))
		for i := range b {
			b[i] = byte(r.IntN(256))
		}
		got := p.lookup(string(b))
		for _, s := range []string{got.device, got.os, got.osVersion, got.browser, got.browserVersion} {
			if len(s) > maxWord || strings.ContainsFunc(s, func(r rune) bool { return r >= 0x80 }) {
				t.Fatalf("%q out of %q", s, b)
			}
		}
		p.lookup(linuxChrome)
	}
	if n := p.cache.len(); n > 64 {
		t.Errorf("%d entries in a cache of 64", n)
	}
	if p.cache.get(linuxChrome) == nil {
		t.Error("a user agent that keeps coming back was forgotten")
	}
}

func TestConfig(t *testing.T) {
	for _, n := range []int{-1, 0, 3, 1_000_001} {
		if _, err := New(Config{CacheEntries: n}); err == nil {
			t.Errorf("%d entries are accepted", n)
		}
	}
}

func FuzzParse(f *testing.F) {
	for _, text := range []string{linuxChrome, androidPhone, googlebot, "", "\xff\xfe", strings.Repeat("iPhone; ", 64)} {
		f.Add(text)
	}
	p := testParser(f)
	f.Fuzz(func(t *testing.T, text string) { p.lookup(text) })
}

func BenchmarkLookup(b *testing.B) {
	p := testParser(b)
	r := rand.New(rand.NewPCG(1, 1))
	noise := make([]byte, MaxLength)
	for i := range noise {
		noise[i] = byte('!' + r.IntN(90))
	}
	b.Run("cached", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			p.lookup(linuxChrome)
		}
	})
	for _, c := range []struct{ name, text string }{
		{"desktop", linuxChrome},
		{"phone", androidPhone},
		{"crawler", googlebot},
		{"noise512", string(noise)},
		{"androids512", strings.Repeat("Mozilla/5.0 (Linux; Android ", 19)},
		{"iphones512", strings.Repeat("iPhone; ", 64)},
		{"words512", strings.Repeat("Mobile Safari/ Version/ Chrome/ Firefox/ MSIE bot Opera ", 10)},
	} {
		b.Run("parse/"+c.name, func(b *testing.B) {
			text := c.text[:min(len(c.text), MaxLength)]
			for b.Loop() {
				p.rules.parse(text)
			}
		})
	}
}
