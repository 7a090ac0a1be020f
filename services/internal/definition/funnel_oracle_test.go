package definition

import (
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"touchline.dev/services/internal/analytics"
	"touchline.dev/services/internal/analytics/oracle"
)

func TestMain(m *testing.M) { oracle.Main(m) }

// probe is a view that holds the question of the moment, as BI tools find saved ones.
type probe struct {
	t *testing.T
	w *oracle.World
}

// ask makes the view and returns the query that reads it.
func (p probe) ask(d Definition) string {
	p.t.Helper()
	if err := d.Validate(); err != nil {
		p.t.Fatal(err)
	}
	var columns []string
	for _, c := range d.Columns() {
		columns = append(columns, c.Name+" "+c.Type)
	}
	sql := "CREATE OR REPLACE VIEW analytics.probe (" + strings.Join(columns, ", ") + ") DEFINER = CURRENT_USER SQL SECURITY DEFINER AS " + d.SQL()
	if err := p.w.Writer.Exec(p.t.Context(), sql); err != nil {
		p.t.Fatalf("%s\n%v", sql, err)
	}
	return "SELECT * FROM analytics.probe"
}

// funnelQuestion is a funnel with its times as numbers.
type funnelQuestion struct {
	probe
	Funnel
	from, to, asOf int64
}

func instantText(ms int64) string { return time.UnixMilli(ms).UTC().Format("2006-01-02T15:04:05.000") }

func (q funnelQuestion) SQL(project string) string {
	f := q.Funnel
	f.Project, f.From, f.To, f.AsOf = project, instantText(q.from), instantText(q.to), instantText(q.asOf)
	d := Default()
	d.Funnel = f
	return q.ask(d)
}

func (q funnelQuestion) Reference(s analytics.Stream) []string {
	d := q.reference(q.from, q.to, q.asOf)
	if err := d.Validate(); err != nil {
		return []string{"the reference refuses it: " + err.Error()}
	}
	if len(q.By) == 0 {
		return oracle.Texts(analytics.Funnel(s, d))
	}
	rows := oracle.Texts(analytics.FunnelBreakdown(s, d, q.Top))
	for i, row := range rows {
		rows[i] = shownTexts(row, len(q.By))
	}
	return rows
}

// Modes returns what the funnel asks for, as oracle.SavedModes names it.
func (q funnelQuestion) Modes() []string {
	modes := []string{"mode = " + q.Mode, "count = " + q.Count}
	add := func(is bool, mode string) {
		if is {
			modes = append(modes, mode)
		}
	}
	add(q.Window <= time.Minute, "window of seconds")
	add(q.Window >= 365*24*time.Hour, "window of a year")
	for i, s := range q.Steps {
		add(s.Any, "any event")
		add(s.Optional, "an optional step")
		add(s.First != "", "first = "+s.First)
		add(len(s.Where) > 0, "a condition on a step")
		add(slices.ContainsFunc(q.Steps[:i], func(other Step) bool { return other.Event != "" && other.Event == s.Event }), "a repeated step")
	}
	for _, x := range q.Exclude {
		after, before := x.bounds(len(q.Steps))
		add(true, "an exclusion")
		add(after != 1 || before != len(q.Steps), "an exclusion between two steps")
		add(len(x.Where) > 0, "a condition on an exclusion")
	}
	add(len(q.Hold) > 0, "hold")
	add(len(q.By) == 1, "by one value")
	add(len(q.By) == 2, "by two values")
	add(len(q.By) > 0, "attribution = "+q.Attribution)
	return modes
}

// shownTexts writes the value of a group, which a row begins with, as its columns.
func shownTexts(row string, values int) string {
	first, second, ok := strings.Cut(row, "\x1f")
	if values == 1 {
		return row
	}
	if !ok {
		for _, group := range []string{analytics.NotSet, analytics.NotReached, analytics.Other} {
			if rest, found := strings.CutPrefix(row, group+" "); found {
				return group + " " + group + " " + rest
			}
		}
		return row
	}
	if first == "" {
		first = analytics.NotSet
	}
	if strings.HasPrefix(second, " ") {
		second = analytics.NotSet + second
	}
	return first + " " + second
}

// randomFilter is a condition on what random events have.
func randomFilter(r *rand.Rand) Filter {
	f := Filter{Column: oracle.Pick(r, "country", "channel", "url_path", "utm_campaign", "device_type", "page", "kind")}
	if r.IntN(2) == 0 {
		f = Filter{Property: "plan"}
	}
	switch r.IntN(10) {
	case 0:
		f = Filter{Column: revenue, Is: oracle.Pick(r, "=", "!=", ">", "<"), Value: oracle.Pick(r, "0", "-1.5", "50")}
	case 1:
		f.Is, f.Value = oracle.Pick(r, ">", "<"), oracle.Pick(r, "0", "5", "-3.25")
	case 2, 3:
		f.Is = oracle.Pick(r, "is set", "is not set")
	case 4:
		f.Is, f.Values = "in", []string{"pro", "DE", "web", "12", "it's"}
	case 5:
		f.Is, f.Value = oracle.Pick(r, "contains", "starts with"), oracle.Pick(r, "p", "/", "D", `\`)
	default:
		f.Is, f.Value = oracle.Pick(r, "=", "!="), oracle.Pick(r, "pro", "DE", "web", "", "/a", "été", "true")
	}
	return f
}

func randomStep(r *rand.Rand) Step {
	s := Step{Event: oracle.Pick(r, oracle.Names[:6]...)}
	if r.IntN(8) == 0 {
		s.Event, s.Any = "", true
	}
	for range oracle.Pick(r, 0, 0, 0, 1, 1, 2) {
		s.Where = append(s.Where, randomFilter(r))
	}
	if r.IntN(6) == 0 {
		s.First = oracle.Pick(r, "matching", "ever")
	}
	return s
}

func randomValue(r *rand.Rand) Value {
	return oracle.Pick(r, Value{Column: "country"}, Value{Column: "channel"}, Value{Column: "utm_source"}, Value{Property: "plan"})
}

func randomFunnel(r *rand.Rand, projects []oracle.Project) funnelQuestion {
	q := funnelQuestion{Funnel: Default().Funnel}
	q.Mode = oracle.Pick(r, "ordered", "ordered", "strict", "unordered")
	q.Count = oracle.Pick(r, "persons", "persons", "totals", "sessions")
	if q.Mode == "unordered" && q.Count == "totals" {
		q.Count = "persons"
	}
	n := 1 + r.IntN(4)
	for i := range n {
		s := randomStep(r)
		s.Optional = i > 0 && q.Mode != "unordered" && r.IntN(5) == 0
		q.Steps = append(q.Steps, s)
	}
	if n > 1 {
		for range oracle.Pick(r, 0, 0, 1, 2) {
			s := randomStep(r)
			x := Exclusion{Event: s.Event, Any: s.Any, Where: s.Where}
			if q.Mode != "unordered" && r.IntN(2) == 0 {
				x.After = 1 + r.IntN(n-1)
				x.Before = x.After + 1 + r.IntN(n-x.After)
			}
			if q.Funnel.fits(x) {
				q.Exclude = append(q.Exclude, x)
			}
		}
	}
	q.Window = oracle.Pick(r, time.Second, 3*time.Second, 5*time.Minute, 3*time.Hour, 5*24*time.Hour, 40*24*time.Hour, 366*24*time.Hour)
	if r.IntN(4) == 0 {
		q.Hold = []Value{randomValue(r)}
		if v := randomValue(r); v != q.Hold[0] && r.IntN(2) == 0 {
			q.Hold = append(q.Hold, v)
		}
	}
	if r.IntN(2) == 0 {
		q.By, q.Top = []Value{randomValue(r)}, 1+r.IntN(3)
		if v := randomValue(r); v != q.By[0] && r.IntN(3) == 0 {
			q.By = append(q.By, v)
		}
		q.Attribution = oracle.Pick(r, "first", "last", "step", "all")
		q.AttributionStep = 1
		if q.Mode != "unordered" {
			q.AttributionStep += r.IntN(n)
		}
	}
	q.from, q.to = oracle.Span(r, projects)
	q.asOf = oracle.End.AddDate(0, 2, 0).UnixMilli()
	if r.IntN(2) == 0 {
		q.asOf = oracle.Border(r, projects) + q.windowMs()
	}
	return q
}

// fits reports that the exclusion is not refused as being a step.
func (f Funnel) fits(x Exclusion) bool {
	bad := false
	f.checkExclusion("", x, func(string, string, ...any) { bad = true })
	return !bad
}

// TestStreams holds the SQL of random definitions against the reference, on random
// streams.
func TestStreams(t *testing.T) {
	r := oracle.Seed(t)
	w := oracle.New(t)
	projects := oracle.Random(t, r)
	w.Load(t, r, projects)
	p := probe{t, w}
	oracle.Streams(t, w, projects, 8, map[string]func() oracle.Question{
		"saved_funnel":    func() oracle.Question { q := randomFunnel(r, projects); q.probe = p; return q },
		"saved_retention": func() oracle.Question { q := randomRetention(r, projects); q.probe = p; return q },
	})
}
