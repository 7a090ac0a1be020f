package rules_test

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"pgregory.net/rapid"

	pb "touchline.dev/schemas/touchlinepb"
	"touchline.dev/services/scorer/internal/rules"
)

var update = flag.Bool("update", false, "write the problems found to testdata")

func load(t testing.TB) *rules.Rules {
	t.Helper()
	r, err := rules.Load("")
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func TestLoad_default(t *testing.T) {
	r := load(t)
	if len(r.Lead.Rules) < 10 || len(r.Stages) < 6 || r.Version != 1 {
		t.Errorf("the default has %d rules, %d stages, version %d", len(r.Lead.Rules), len(r.Stages), r.Version)
	}
}

func TestLoad_file(t *testing.T) {
	file := filepath.Join(t.TempDir(), "rules.yaml")
	if _, err := rules.Load(file); err == nil {
		t.Error("a file that does not exist: no error")
	}
	text := "version: 3\nlead: {minimum: -10, maximum: 10, grades: [{grade: only, from: -10}]}\nstages: [{name: everybody}]\n"
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	r, err := rules.Load(file)
	if err != nil {
		t.Fatal(err)
	}
	if s := r.Score(&pb.Fragment{}, 0); s.ModelVersion != 3 || s.Grade != "only" || s.Score != 0 || len(s.Reasons) != 0 {
		t.Errorf("score %v", s)
	}
	if err := os.WriteFile(file, make([]byte, 1<<20+1), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := rules.Load(file); err == nil || !strings.Contains(err.Error(), "larger than") {
		t.Errorf("a huge file: %v", err)
	}
}

// Each testdata/*.bad.yaml has all of its problems, with paths and lines, in the
// file of the same name that ends in .txt.
func TestParse_problems(t *testing.T) {
	files, err := filepath.Glob("testdata/*.bad.yaml")
	if err != nil || len(files) < 4 {
		t.Fatalf("found %d files (%v)", len(files), err)
	}
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		if *update {
			_, err := rules.Parse(filepath.Base(file), text)
			if err := os.WriteFile(strings.TrimSuffix(file, ".yaml")+".txt", fmt.Appendln(nil, err), 0o600); err != nil {
				t.Fatal(err)
			}
		}
		want, err := os.ReadFile(strings.TrimSuffix(file, ".yaml") + ".txt")
		if err != nil {
			t.Fatal(err)
		}
		_, err = rules.Parse(filepath.Base(file), text)
		if err == nil {
			t.Errorf("%s is accepted", file)
			continue
		}
		if got := err.Error() + "\n"; got != string(want) {
			t.Errorf("%s: got\n%swant\n%s", file, got, want)
		}
	}
}

func fragmentOf(t *rapid.T, names []string) *pb.Fragment {
	f := &pb.Fragment{
		FirstSeenMs: rapid.Int64Range(0, 1e12).Draw(t, "first"), Events: rapid.Uint64Range(1, 1e6).Draw(t, "events"),
		Pages: rapid.Uint64Range(0, 100).Draw(t, "pages"), Orders: rapid.Uint64Range(0, 5).Draw(t, "orders"),
		RevenueE4: rapid.Int64().Draw(t, "revenue"), EventCounts: map[string]uint64{}, Traits: map[string]*pb.Trait{}, FirstTimes: map[string]int64{},
		ActiveDays: rapid.SliceOfNDistinct(rapid.Int32Range(0, 20_000), 0, 64, rapid.ID[int32]).Draw(t, "days"),
	}
	f.LastSeenMs = f.FirstSeenMs + rapid.Int64Range(0, 1e11).Draw(t, "last")
	for _, name := range names {
		if n := rapid.Uint64Range(0, 9).Draw(t, name); n > 0 {
			f.EventCounts[name] = n
			f.FirstTimes[name] = f.FirstSeenMs + int64(n)
		}
	}
	f.Traits["role"] = &pb.Trait{Value: rapid.SampledFrom([]string{"", "CTO", "Intern"}).Draw(t, "role"), AtMs: f.FirstSeenMs}
	f.Traits["email"] = &pb.Trait{Value: rapid.SampledFrom([]string{"", "a@gmail.com", "a@firm.example", "@", "x"}).Draw(t, "email"), AtMs: f.FirstSeenMs}
	f.Traits["employees"] = &pb.Trait{Value: rapid.SampledFrom([]string{"", "3", "1e300", "many", "NaN", "100"}).Draw(t, "employees"), AtMs: f.FirstSeenMs}
	return f
}

// Whatever is known of a person: the reasons add up to the score, the score is
// within its bounds and has a grade, the person has a stage, and nothing depends
// on anything but the arguments.
func TestScore_reasonsAddUp(t *testing.T) {
	r := load(t)
	var names []string
	for name := range r.Watch().Events {
		names = append(names, name)
	}
	rapid.Check(t, func(t *rapid.T) {
		f := fragmentOf(t, names)
		asOf := f.LastSeenMs + rapid.Int64Range(-1e9, 1e11).Draw(t, "as of")
		s := r.Score(f, asOf)
		sum := 0.0
		for _, reason := range s.Reasons {
			sum += reason.Contribution
			if reason.Contribution == 0 || reason.Feature == "" {
				t.Fatalf("reason %v", reason)
			}
		}
		if sum != s.Score || s.Score < 0 || s.Score > 100 || s.Grade == "" || s.Model != "lead" || s.ModelVersion != 1 {
			t.Fatalf("reasons sum to %v: %v", sum, s)
		}
		stage, since := r.Stage(f, asOf)
		if stage == "" || since < f.FirstSeenMs {
			t.Fatalf("stage %q since %d, first seen %d", stage, since, f.FirstSeenMs)
		}
	})
}

func TestScore_conditions(t *testing.T) {
	const day = 86_400_000
	f := &pb.Fragment{
		FirstSeenMs: 10 * day, LastSeenMs: 50 * day, Events: 40, Pages: 12, Orders: 2, RevenueE4: 1_250_0000,
		EventCounts: map[string]uint64{"a": 3, "b": 4}, FirstTimes: map[string]int64{"a": 20 * day, "#order": 30 * day},
		ActiveDays: []int32{10, 20, 30, 50},
		Traits:     map[string]*pb.Trait{"role": {Value: "Vice-President, Sales", AtMs: 12 * day}, "employees": {Value: "25"}, "email": {Value: "x@Firm.Example."}},
	}
	for _, tt := range []struct {
		when, more string
		want       float64
	}{
		{"{fact: event_count, events: [a]}", "", 10},
		{"{fact: event_count, events: [a, b]}", "cap: 50", 50},
		{"{fact: event_count, events: [a, b], at_least: 3}", "cap: 50", 20},
		{"{fact: event_count, events: [a, b], at_least: 8}", "", 0},
		{"{fact: event_count, events: [c], fewer_than: 1}", "", 10},
		{"{fact: events, fewer_than: 40}", "", 0},
		{"{fact: pages, at_least: 12}", "", 10},
		{"{fact: orders, at_least: 1}", "cap: 30", 20},
		{"{fact: revenue, at_least: 500}", "cap: 1000", 20},
		{"{fact: active_days}", "cap: 100", 40},
		{"{fact: active_days, within_days: 40}", "cap: 100", 20},
		{"{fact: days_since_last, at_least: 5}", "cap: 100", 20},
		{"{fact: days_since_first, at_least: 50}", "", 10},
		{"{fact: days_since_first, fewer_than: 50}", "", 0},
		{"{fact: trait, trait: role}", "", 10},
		{"{fact: trait, trait: role, values: [president]}", "", 10},
		{"{fact: trait, trait: role, values: [preside]}", "", 0},
		{"{fact: trait, trait: role, values: [vice-president]}", "", 10},
		{"{fact: trait_other, trait: role, values: [preside]}", "", 10},
		{"{fact: trait_other, trait: industry, values: [x]}", "", 0},
		{"{fact: trait_number, trait: employees, at_least: 20, fewer_than: 26}", "", 10},
		{"{fact: trait_number, trait: role, fewer_than: 26}", "", 0},
		{"{fact: business_email}", "", 10},
		{"{fact: free_email}", "", 0},
	} {
		text := "version: 1\nfree_mail: [mail.example]\nlead:\n  minimum: 0\n  maximum: 1000\n  grades: [{grade: A, from: 0}]\n  rules:\n" +
			"    - name: r\n      when: " + tt.when + "\n      points: 10\n"
		if tt.more != "" {
			text += "      " + tt.more + "\n"
		}
		r, err := rules.Parse("test", []byte(text+"stages: [{name: s}]\n"))
		if err != nil {
			t.Errorf("%s: %v", tt.when, err)
			continue
		}
		if got := r.Score(f, 60*day).Score; got != tt.want {
			t.Errorf("%s %s: %v points, want %v", tt.when, tt.more, got, tt.want)
		}
	}
}

func TestScore_limit(t *testing.T) {
	r, err := rules.Parse("test", []byte(`
version: 1
lead:
  minimum: 5
  maximum: 12
  grades: [{grade: A, from: 10}, {grade: B, from: 5}]
  rules:
    - {name: many, when: {fact: events}, points: 7, cap: 70}
stages: [{name: s}]
`))
	if err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		events uint64
		want   string
	}{
		{0, "5 B limit 5"}, {1, "7 B many 7"}, {2, "12 A many 14 limit -2"}, {1e18, "12 A many 70 limit -58"},
	} {
		s := r.Score(&pb.Fragment{Events: tt.events}, 0)
		got := []string{number(s.Score), s.Grade}
		for _, reason := range s.Reasons {
			got = append(got, reason.Feature, number(reason.Contribution))
		}
		if text := strings.Join(got, " "); text != tt.want {
			t.Errorf("%d events: %s, want %s", tt.events, text, tt.want)
		}
	}
}

func number(v float64) string { return strconv.FormatFloat(v, 'f', -1, 64) }

// A person moves forth and back, and each stage is dated.
func TestStage(t *testing.T) {
	const day = 86_400_000
	r, err := rules.Parse("test", []byte(`
version: 1
lead: {minimum: 0, maximum: 1, grades: [{grade: A, from: 0}]}
stages:
  - name: new
  - name: seen twice
    all: [{fact: active_days, at_least: 2}]
  - name: bought
    any: [{fact: orders}, {fact: event_count, events: [Invoice Paid]}]
  - name: told us and bought
    all: [{fact: trait, trait: role}, {fact: orders}]
    any: [{fact: event_count, events: [Reviewed]}, {fact: event_count, events: [Referred], at_least: 2}]
  - name: gone
    all: [{fact: days_since_last, at_least: 30}]
`))
	if err != nil {
		t.Fatal(err)
	}
	f := &pb.Fragment{Events: 1, FirstSeenMs: 10*day + 5, LastSeenMs: 10*day + 5, ActiveDays: []int32{10}, EventCounts: map[string]uint64{}, FirstTimes: map[string]int64{}, Traits: map[string]*pb.Trait{}}
	check := func(want string, since, asOf int64) {
		t.Helper()
		if got, at := r.Stage(f, asOf); got != want || at != since {
			t.Errorf("stage %q since %d, want %q since %d", got, at, want, since)
		}
	}
	check("new", 10*day+5, 11*day)
	f.ActiveDays, f.LastSeenMs = []int32{10, 14}, 14*day+9
	check("seen twice", 14*day, 15*day)
	f.EventCounts["Invoice Paid"], f.FirstTimes["Invoice Paid"] = 1, 12*day
	check("bought", 12*day, 15*day)
	f.Orders, f.FirstTimes["#order"] = 1, 11*day
	check("bought", 11*day, 15*day)
	f.EventCounts["Reviewed"], f.FirstTimes["Reviewed"] = 1, 13*day
	check("bought", 11*day, 15*day)
	f.Traits["role"] = &pb.Trait{Value: "CTO", AtMs: 14 * day}
	check("told us and bought", 14*day, 15*day)
	check("gone", 44*day+9, 60*day)
	f.LastSeenMs = 60 * day
	check("told us and bought", 14*day, 60*day)
}
