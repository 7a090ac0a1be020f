package definition

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"touchline.dev/services/internal/analytics/oracle"
)

// TestFunnel_golden holds the reference and the SQL against rows that were worked out by
// hand.
func TestFunnel_golden(t *testing.T) {
	w := oracle.New(t)
	oracle.Golden(t, w, "testdata/funnel.txt", map[string]oracle.Reader{"funnel": func(p oracle.Params) (oracle.Question, error) {
		q := funnelQuestion{probe: probe{t, w}, Funnel: Default().Funnel}
		q.from = time.Date(2026, 1, 5, 0, 0, 0, 0, time.UTC).UnixMilli()
		q.to, q.asOf = q.from+time.Hour.Milliseconds(), q.from+24*time.Hour.Milliseconds()
		var steps, exclude []string
		var window int64
		for _, read := range []error{
			p.List("steps", &steps), p.List("exclude", &exclude), p.Number("window", &window), p.Text("mode", &q.Mode), p.Text("count", &q.Count),
		} {
			if read != nil {
				return q, read
			}
		}
		q.Window = time.Duration(window) * time.Second
		for _, text := range steps {
			q.Steps = append(q.Steps, goldenStep(text))
		}
		for _, text := range exclude {
			x := Exclusion{Event: text}
			if name, span, ok := strings.Cut(text, ":"); ok {
				x.Event = name
				if _, err := fmt.Sscanf(span, "%d-%d", &x.After, &x.Before); err != nil {
					return q, err
				}
			}
			q.Exclude = append(q.Exclude, x)
		}
		return q, nil
	}})
}

func goldenStep(text string) Step {
	name, plan, _ := strings.Cut(text, ":")
	s := Step{Event: strings.TrimRight(name, "?!"), Optional: strings.HasSuffix(name, "?")}
	if strings.HasSuffix(name, "!") {
		s.First = "matching"
	}
	if plan != "" {
		s.Where = []Filter{{Property: "plan", Is: opEqual, Value: plan}}
	}
	if text == "*" {
		s = Step{Any: true, Name: "(any_event)"}
	}
	return s
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

// each changes all steps.
func (f *Funnel) each(change func(*Step)) {
	for i := range f.Steps {
		change(&f.Steps[i])
	}
}
