package definition

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"touchline.dev/services/internal/analytics/oracle"
)

// TestVectors holds the reference and the SQL against rows that were worked out by hand.
func TestVectors(t *testing.T) {
	w := oracle.New(t)
	oracle.Golden(t, w, "testdata/*.txt", map[string]oracle.Reader{
		"saved_funnel":    func(p oracle.Params) (oracle.Question, error) { return readFunnel(p, probe{t, w}) },
		"saved_retention": func(p oracle.Params) (oracle.Question, error) { return readRetention(p, probe{t, w}) },
	})
}

// readFunnel reads steps=, window= (seconds), mode=, count= and exclude=, and what may be
// left out: hold=, by=, attribution=, step=, top=, as_of=.
func readFunnel(p oracle.Params, asked probe) (oracle.Question, error) {
	q := funnelQuestion{probe: asked, Funnel: Default().Funnel}
	q.from = time.Date(2026, 1, 5, 0, 0, 0, 0, time.UTC).UnixMilli()
	q.to, q.asOf = q.from+time.Hour.Milliseconds(), q.from+24*time.Hour.Milliseconds()
	var steps, exclude []string
	var window int64
	err := errors.Join(p.List("steps", &steps), p.List("exclude", &exclude), p.Number("window", &window), p.Text("mode", &q.Mode), p.Text("count", &q.Count),
		ifGiven(p, "hold", func(key string) error { return values(p, key, &q.Hold) }),
		ifGiven(p, "by", func(key string) error { return values(p, key, &q.By) }),
		ifGiven(p, "attribution", func(key string) error { return p.Text(key, &q.Attribution) }),
		ifGiven(p, "step", func(key string) error { return p.Int(key, &q.AttributionStep) }),
		ifGiven(p, "top", func(key string) error { return p.Int(key, &q.Top) }),
		ifGiven(p, "as_of", func(key string) error { return p.Time(key, &q.asOf) }))
	q.Window = time.Duration(window) * time.Second
	for _, text := range steps {
		q.Steps = append(q.Steps, goldenStep(text))
	}
	for _, text := range exclude {
		name, span, ok := strings.Cut(text, "/")
		e := goldenEvent(name)
		x := Exclusion{Event: e.Event, Any: e.Any, Where: e.Where}
		if ok {
			_, scanned := fmt.Sscanf(span, "%d-%d", &x.After, &x.Before)
			err = errors.Join(err, scanned)
		}
		q.Exclude = append(q.Exclude, x)
	}
	return q, err
}

// goldenStep reads an event, with ? for an optional one, ! for the first that matches and
// !! for the first ever.
func goldenStep(text string) Step {
	name, plan, _ := strings.Cut(text, ":")
	bare := strings.TrimRight(name, "?!")
	if plan != "" {
		bare += ":" + plan
	}
	e := goldenEvent(bare)
	s := Step{Event: e.Event, Any: e.Any, Where: e.Where, Optional: strings.HasSuffix(name, "?")}
	s.First = map[int]string{1: "matching", 2: "ever"}[strings.Count(name, "!")]
	if e.Any {
		s.Name = "(any_event)"
	}
	return s
}

// goldenEvent reads the name of an event, * for any, with ":pro" behind it if its
// property plan has to be pro.
func goldenEvent(text string) Event {
	name, plan, _ := strings.Cut(text, ":")
	e := Event{Event: name}
	if name == "*" {
		e = Event{Any: true}
	}
	if plan != "" {
		e.Where = []Filter{{Property: "plan", Is: opEqual, Value: plan}}
	}
	return e
}

// ifGiven reads a parameter that may be left out.
func ifGiven(p oracle.Params, key string, read func(key string) error) error {
	if _, given := p[key]; !given {
		return nil
	}
	return read(key)
}

// values reads names of columns, and plan for the property.
func values(p oracle.Params, key string, into *[]Value) error {
	var names []string
	err := p.List(key, &names)
	for _, name := range names {
		v := Value{Column: name}
		if name == "plan" {
			v = Value{Property: name}
		}
		*into = append(*into, v)
	}
	return err
}

// readRetention reads start=, return=, granularity=, mode=, from=, cohorts=, periods=,
// as_of=, and what may be left out: rolling=, cumulative=, brackets=, min=, sum=, by=,
// per_person=.
func readRetention(p oracle.Params, asked probe) (oracle.Question, error) {
	q := retentionQuestion{probe: asked, Retention: Default().Retention}
	var start, back, sum string
	var brackets []string
	err := errors.Join(p.Text("start", &start), p.Text("return", &back), p.Text("granularity", &q.Granularity), p.Text("mode", &q.Mode),
		p.Time("from", &q.from), p.Int("cohorts", &q.Cohorts), p.Int("periods", &q.Periods), p.Time("as_of", &q.asOf),
		ifGiven(p, "rolling", func(key string) error { return p.Bool(key, &q.Rolling) }),
		ifGiven(p, "cumulative", func(key string) error { return p.Bool(key, &q.Cumulative) }),
		ifGiven(p, "brackets", func(key string) error { return p.List(key, &brackets) }),
		ifGiven(p, "min", func(key string) error { return p.Int(key, &q.MinOccurrences) }),
		ifGiven(p, "sum", func(key string) error { return p.Text(key, &sum) }),
		ifGiven(p, "by", func(key string) error { return values(p, key, &q.By) }),
		ifGiven(p, "per_person", func(key string) error { return p.Bool(key, &q.PerPerson) }))
	for _, width := range brackets {
		n, unread := strconv.Atoi(width)
		q.Brackets, err = append(q.Brackets, n), errors.Join(err, unread)
	}
	switch sum {
	case "":
	case revenue:
		q.Sum.Revenue = true
	default:
		q.Sum.Property = sum
	}
	// "*" is the empty text to Text.
	if q.Start = goldenEvent(start); start == "" {
		q.Start = Event{Any: true}
	}
	if q.Return = goldenEvent(back); back == "" {
		q.Return = Event{Any: true}
	}
	return q, err
}

// TestFunnel_faults: the random streams and questions tell a definition that means
// something a little different.
func TestFunnel_faults(t *testing.T) {
	// Always the same ones, as a fault at the border of a range is rarely seen.
	projects := oracle.Random(t, rand.New(rand.NewPCG(1, 1)))
	projects = projects[:min(len(projects), 12)]
	r := rand.New(rand.NewPCG(2, 2))
	faults := map[string]func(*funnelQuestion){
		"window a second more": func(q *funnelQuestion) { q.Window += time.Second },
		"from exclusive":       func(q *funnelQuestion) { q.from++ },
		"to inclusive":         func(q *funnelQuestion) { q.to++ },
		"as_of exclusive":      func(q *funnelQuestion) { q.asOf++ },
		"no exclusions":        func(q *funnelQuestion) { q.Exclude = nil },
		"nothing held":         func(q *funnelQuestion) { q.Hold = nil },
		"nothing optional":     func(q *funnelQuestion) { q.each(func(s *Step) { s.Optional = false }) },
		"no firsts":            func(q *funnelQuestion) { q.each(func(s *Step) { s.First = "" }) },
		"no conditions":        func(q *funnelQuestion) { q.each(func(s *Step) { s.Where = nil }) },
		"ordered for strict": func(q *funnelQuestion) {
			if q.Mode == "strict" {
				q.Mode = "ordered"
			}
		},
		"persons always": func(q *funnelQuestion) { q.Count = "persons" },
		"last for first": func(q *funnelQuestion) {
			if q.Attribution == "first" {
				q.Attribution = "last"
			}
		},
	}
	for range 900 {
		q := randomFunnel(r, projects)
		for _, p := range projects {
			right := fmt.Sprint(q.Reference(p.Stream))
			for name, fault := range faults {
				wrong := q
				wrong.Steps = slices.Clone(q.Steps)
				fault(&wrong)
				if fmt.Sprint(wrong.Reference(p.Stream)) != right {
					delete(faults, name)
				}
			}
		}
		if len(faults) == 0 {
			return
		}
	}
	for name := range faults {
		t.Errorf("%s: changed no answer", name)
	}
}

// TestRetention_faults: the same for retention tables.
func TestRetention_faults(t *testing.T) {
	projects := oracle.Random(t, rand.New(rand.NewPCG(1, 1)))
	projects = projects[:min(len(projects), 12)]
	r := rand.New(rand.NewPCG(3, 3))
	faults := map[string]func(*retentionQuestion){
		"from an hour later":        func(q *retentionQuestion) { q.from += time.Hour.Milliseconds() },
		"as_of a millisecond off":   func(q *retentionQuestion) { q.asOf++ },
		"always recurring":          func(q *retentionQuestion) { q.Mode = "recurring" },
		"first_time for first_ever": func(q *retentionQuestion) { q.Mode = strings.Replace(q.Mode, "ever", "time", 1) },
		"by the calendar":           func(q *retentionQuestion) { q.Rolling = false },
		"never cumulative":          func(q *retentionQuestion) { q.Cumulative = false },
		"brackets one interval wide": func(q *retentionQuestion) {
			q.Brackets = slices.Repeat([]int{1}, len(q.Brackets))
		},
		"one return is enough":   func(q *retentionQuestion) { q.MinOccurrences = 1 },
		"no condition on starts": func(q *retentionQuestion) { q.Start.Where = nil },
		"no condition on returns": func(q *retentionQuestion) {
			q.Return.Where = nil
		},
		"revenue for a property": func(q *retentionQuestion) {
			if q.Sum.given() {
				q.Sum = Sum{Revenue: true}
			}
		},
		"values of persons for those of events": func(q *retentionQuestion) { q.PerPerson = len(q.By) > 0 },
		"one value of two":                      func(q *retentionQuestion) { q.By = q.By[:min(len(q.By), 1)] },
		"days for hours":                        func(q *retentionQuestion) { q.Granularity = strings.Replace(q.Granularity, "hour", "day", 1) },
	}
	for range 900 {
		q := randomRetention(r, projects)
		for _, p := range projects {
			right := fmt.Sprint(q.Reference(p.Stream))
			for name, fault := range faults {
				wrong := q
				fault(&wrong)
				if fmt.Sprint(wrong.Reference(p.Stream)) != right {
					delete(faults, name)
				}
			}
		}
		if len(faults) == 0 {
			return
		}
	}
	for name := range faults {
		t.Errorf("%s: changed no answer", name)
	}
}

// each changes all steps.
func (f *Funnel) each(change func(*Step)) {
	for i := range f.Steps {
		change(&f.Steps[i])
	}
}
