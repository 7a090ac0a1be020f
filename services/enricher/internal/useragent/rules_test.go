package useragent

import (
	"math/rand/v2"
	"regexp"
	"regexp/syntax"
	"strings"
	"testing"

	"github.com/ua-parser/uap-go/uaparser"
)

// matching writes a random ASCII text that re is likely to match.
func matching(r *rand.Rand, re *syntax.Regexp, b *strings.Builder) {
	switch re.Op {
	case syntax.OpLiteral:
		for _, c := range re.Rune {
			if s := string(c); re.Flags&syntax.FoldCase != 0 && r.IntN(2) == 0 {
				b.WriteString(strings.ToUpper(s))
			} else {
				b.WriteString(s)
			}
		}
	case syntax.OpCharClass:
		for range 100 {
			i := r.IntN(len(re.Rune)/2) * 2
			if lo, hi := re.Rune[i], min(re.Rune[i+1], 0x7e); lo <= hi {
				b.WriteRune(lo + rune(r.IntN(int(hi-lo)+1)))
				return
			}
		}
	case syntax.OpAnyChar, syntax.OpAnyCharNotNL:
		b.WriteByte(byte(' ' + r.IntN(95)))
	case syntax.OpCapture:
		matching(r, re.Sub[0], b)
	case syntax.OpStar, syntax.OpPlus, syntax.OpQuest, syntax.OpRepeat:
		lo, hi := 0, 3
		switch re.Op {
		case syntax.OpPlus:
			lo = 1
		case syntax.OpQuest:
			hi = 1
		case syntax.OpRepeat:
			if lo = re.Min; re.Max >= 0 {
				hi = min(re.Max, lo+3)
			} else {
				hi = lo + 3
			}
		}
		for range lo + r.IntN(hi-lo+1) {
			matching(r, re.Sub[0], b)
		}
	case syntax.OpConcat:
		for _, sub := range re.Sub {
			matching(r, sub, b)
		}
	case syntax.OpAlternate:
		matching(r, re.Sub[r.IntN(len(re.Sub))], b)
	}
}

// A filter may never hide a text from an expression that matches it, and with
// all filters the first match must be that of the ua-parser project's own reader.
func TestFiltersHideNothing(t *testing.T) {
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	r := rand.New(rand.NewPCG(seed, 1))
	reference, err := uaparser.New(uaparser.WithCacheSize(1))
	if err != nil {
		t.Fatal(err)
	}
	rules, err := loadRules()
	if err != nil {
		t.Fatal(err)
	}
	texts, tried, filtered := 0, 0, 0
	each := func(flags, expr string, f filter, compare func(text string, t *trigrams)) {
		if flags != "" {
			expr = "(?" + flags + ")" + expr
		}
		if len(f) > 0 {
			filtered++
		}
		re, err := syntax.Parse(expr, syntax.Perl)
		if err != nil {
			t.Fatal(err)
		}
		compiled := regexp.MustCompile(expr)
		for i := range 8 {
			var b strings.Builder
			b.WriteString([]string{"", "", "Mozilla/5.0 (", " "}[i%4])
			matching(r, re, &b)
			b.WriteString([]string{"", " Mobile Safari/604.1", ";"}[i%3])
			text := b.String()
			tried++
			if !compiled.MatchString(text) {
				continue
			}
			texts++
			var grams trigrams
			grams.fill(text)
			if f.excludes(&grams) {
				t.Errorf("filter of %q excludes %q", expr, text)
			}
			if i == 0 {
				compare(text, &grams)
			}
		}
	}
	for i, a := range reference.UA {
		each(a.Flags, a.Expr, rules.agents[i].filter, func(text string, grams *trigrams) {
			if got, want := rules.agent(text, grams), *reference.ParseUserAgent(text); got != want && want.Family != "Other" {
				t.Errorf("agent of %q is %+v, want %+v", text, got, want)
			}
		})
	}
	for i, o := range reference.OS {
		each(o.Flags, o.Expr, rules.systems[i].filter, func(text string, grams *trigrams) {
			if got, want := rules.system(text, grams), *reference.ParseOs(text); got != want && want.Family != "Other" {
				t.Errorf("system of %q is %+v, want %+v", text, got, want)
			}
		})
	}
	for i, d := range reference.Device {
		each(d.Flags, d.Expr, rules.devices[i].filter, func(text string, grams *trigrams) {
			if got, want := rules.spider(text, grams), reference.ParseDevice(text).Family == spider; got != want {
				t.Errorf("crawler %q is %v, want %v", text, got, want)
			}
		})
	}
	all := len(reference.UA) + len(reference.OS) + len(reference.Device)
	t.Logf("%d expressions, %d with a filter; %d of %d texts match", all, filtered, texts, tried)
	if texts < tried*8/10 || filtered < all*9/10 {
		t.Errorf("too few of the texts match or too few expressions have a filter")
	}
}

func TestLiterals(t *testing.T) {
	for _, c := range []struct {
		expr string
		want string
	}{
		{`Firefox/(\d+)`, "firefox/"},
		{`(?i)FireFox`, "firefox"},
		{`foo|ba`, ""},
		{`foo|bar|xx(baz)?quux`, "foo bar xxquux xxbazquux"},
		{`(abc)+`, "abc"},
		{`(abc)*`, ""},
		{`(abc){2,}`, "abc"},
		{`(abc){0,2}`, ""},
		{`a[bc]d`, "abd acd"},
		{`.*(one|three).*longest`, "longest"},
		{`^ab$`, ""},
		{`ab.?cd`, ""},
		{`(?:Safari|Chrome)/[0-9]`, "safari/ chrome/"},
	} {
		got, err := literals(c.expr)
		if err != nil {
			t.Fatal(err)
		}
		if a, b := sortedWords(strings.Join(got, " ")), sortedWords(c.want); a != b {
			t.Errorf("literals(%q) = %q, want %q", c.expr, a, b)
		}
	}
}
