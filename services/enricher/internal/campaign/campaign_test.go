package campaign

import (
	"fmt"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"touchline.dev/schemas/event"
	"touchline.dev/schemas/projects"
	"touchline.dev/services/enricher/internal/pipeline"
)

// cases returns the lines of a file that have so many columns, without the
// heading; - is nothing.
func cases(t testing.TB, file string, columns int) [][]string {
	t.Helper()
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	var all [][]string
	for line := range strings.Lines(string(text)) {
		cells := strings.Split(strings.TrimRight(line, "\n"), " | ")
		if len(cells) == 1 {
			continue // prose
		}
		if len(cells) != columns {
			t.Fatalf("%d columns, want %d: %s", len(cells), columns, line)
		}
		for i := range cells {
			if cells[i] = strings.TrimSpace(cells[i]); cells[i] == "-" {
				cells[i] = ""
			}
		}
		all = append(all, cells)
	}
	return all[1:]
}

func TestChannels(t *testing.T) {
	table, seen := New(), map[string]bool{}
	for _, c := range cases(t, "testdata/channels.txt", 7) {
		v := Visit{Source: c[0], Medium: c[1], Campaign: c[2], ClickID: c[3], Referrer: c[4], URL: "https://" + c[5] + "/"}
		if got, _ := table.Channel(&v, true, nil); got != c[6] {
			t.Errorf("%s: %q, want %q", strings.Join(c[:6], " | "), got, c[6])
		}
		seen[c[6]] = true
	}
	for _, channel := range Channels() {
		if !seen[channel] {
			t.Errorf("no case of %s", channel)
		}
	}
	if delete(seen, ""); len(seen) != len(Channels()) || len(seen) != 19 {
		t.Errorf("%d channels, want 19", len(seen))
	}
}

func TestEvents(t *testing.T) {
	step := New().Step()
	for _, c := range cases(t, "testdata/events.txt", 7) {
		e := newEvent(c[5])
		p := e.Touchpoint
		p.Kind, p.URL, p.Referrer, p.UTMSource, p.ClickIDName = c[0], c[1], c[2], c[3], c[4]
		if verdict := step.Run(e); verdict != (pipeline.Verdict{}) || p.AcquisitionChannel != c[6] {
			t.Errorf("%s: %+v %q, want %q", strings.Join(c[:6], " | "), verdict, p.AcquisitionChannel, c[6])
		}
	}
}

func newEvent(domains string) *pipeline.Event {
	return &pipeline.Event{Touchpoint: &event.Touchpoint{}, Project: &projects.Project{Domains: strings.FieldsFunc(domains, func(r rune) bool { return r == ',' })}}
}

// The table is closed: every key is found again and belongs to one source, and
// every category has a case.
func TestSources(t *testing.T) {
	table, owner := New(), map[string]string{}
	for _, s := range known() {
		for key := range strings.FieldsSeq(s.keys) {
			if owner[strings.TrimSuffix(key, "!")] != "" {
				t.Errorf("%s is of %s and %s", key, owner[strings.TrimSuffix(key, "!")], s.name)
			}
			owner[strings.TrimSuffix(key, "!")] = s.name
			if key != strings.ToLower(key) || strings.ContainsAny(key, "-_") && !strings.Contains(key, ".") && key[0] != '?' || len(key) > 64 {
				t.Errorf("%s of %s cannot be found", key, s.name)
			}
			var got *source
			var advertising bool
			switch name, wild := strings.CutSuffix(key, ".*"); {
			case wild:
				got = table.host("a.b." + name + ".co.uk")
			case key[0] == '?':
				got = table.clicks[key[1:]]
			case strings.Contains(key, "."):
				got = table.host(key)
			default:
				got, advertising = table.named(strings.TrimSuffix(key, "!"))
			}
			if got == nil || got.name != s.name || advertising != strings.HasSuffix(key, "!") {
				t.Errorf("%s of %s: %+v, %v", key, s.name, got, advertising)
			}
		}
	}
}

// The rules for media and campaigns are expressions elsewhere: ours must agree
// with them on everything.
var (
	paidExpression     = regexp.MustCompile(`(?s)^(.*cp.*|ppc|retargeting|paid.*)$`)
	shoppingExpression = regexp.MustCompile(`(?s)^(.*(([^a-df-z]|^)shop|shopping).*)$`)
	mailExpression     = regexp.MustCompile(`(?s)e[-_ ]?mail|newsletter`)
)

func FuzzExpressions(f *testing.F) {
	for _, s := range []string{"", "cpc", "podcast", "ppc", "xppc", "paid", "unpaid", "retargeting2", "shop", "eshop", "workshop", "shopping", "xshopping", "shopshop", "é shop", "éshop", "email", "mail", "e-mail", "newsletter", "emai l", "shop\xff"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		s, _ = lower(s, nil)
		if got, want := isPaid(s), paidExpression.MatchString(s); got != want {
			t.Errorf("%q is paid: %v, want %v", s, got, want)
		}
		if got, want := isShopping(s), shoppingExpression.MatchString(s); got != want {
			t.Errorf("%q is shopping: %v, want %v", s, got, want)
		}
		if got, want := isMail(s), mailExpression.MatchString(s); got != want {
			t.Errorf("%q is mail: %v, want %v", s, got, want)
		}
	})
}

// Whatever clients send, the answer is one of the list, the same in upper case and
// whatever memory it is worked out in.
func FuzzChannel(f *testing.F) {
	table := New()
	for _, c := range cases(f, "testdata/channels.txt", 7) {
		f.Add(c[0], c[1], c[2], c[3], c[4], "https://"+c[5]+"/?ref=%41", true)
	}
	f.Add(strings.Repeat("a.", 4000), "%", "shop", "gclid", "://@:", "http://[::1]:8080@x/?source=%", false)
	f.Fuzz(func(t *testing.T, source, medium, campaign, click, referrer, url string, entry bool) {
		v := Visit{source, medium, campaign, click, referrer, url, []string{"shop.example"}}
		got, _ := table.Channel(&v, entry, nil)
		if got != "" && !slices.Contains(Channels(), got) {
			t.Errorf("%+v: %q", v, got)
		}
		if again, _ := table.Channel(&v, entry, make([]byte, 0, 1)); again != got {
			t.Errorf("%+v: %q, then %q", v, got, again)
		}
		v.Source, v.Medium, v.Campaign = upper(source), upper(medium), upper(campaign)
		if again, _ := table.Channel(&v, entry, nil); again != got {
			t.Errorf("%+v: %q, in upper case %q", v, got, again)
		}
	})
}

// upper puts ASCII letters in upper case: beyond them two letters may have one.
func upper(s string) string {
	b := []byte(s)
	for i := range b {
		if b[i]-'a' < 26 {
			b[i] -= 0x20
		}
	}
	return string(b)
}

func visits() map[string]*pipeline.Event {
	all := map[string]*pipeline.Event{}
	for name, p := range map[string]event.Touchpoint{
		"campaign": {Kind: "page_view", URL: "https://shop.example/?utm_source=Google&utm_medium=cpc&gclid=1", Referrer: "https://www.google.com/", UTMSource: "Google", UTMMedium: "cpc", UTMCampaign: "Spring", ClickIDName: "gclid"},
		"search":   {Kind: "page_view", URL: "https://shop.example/", Referrer: "https://www.google.co.uk/"},
		"inside":   {Kind: "page_view", URL: "https://shop.example/tea?page=2", Referrer: "https://shop.example/"},
		"unknown":  {Kind: "page_view", URL: "https://shop.example/", Referrer: "https://a.long.name.of.a.blog.example/x"},
		"server":   {Kind: "order"},
	} {
		e := newEvent("shop.test,other.test")
		*e.Touchpoint = p
		all[name] = e
	}
	return all
}

func TestAllocatesNothing(t *testing.T) {
	step := New().Step()
	for name, e := range visits() {
		if n := testing.AllocsPerRun(100, func() { e.Scratch = e.Scratch[:0]; step.Run(e) }); n != 0 {
			t.Errorf("%s: %v allocations", name, n)
		}
	}
}

func BenchmarkStep(b *testing.B) {
	step := New().Step()
	for name, e := range visits() {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				e.Scratch = e.Scratch[:0]
				step.Run(e)
			}
		})
	}
}

func ExampleTable_Channel() {
	channel, _ := New().Channel(&Visit{URL: "https://shop.example/", Referrer: "https://www.google.com/"}, true, nil)
	fmt.Println(channel)
	// Output: Organic Search
}
