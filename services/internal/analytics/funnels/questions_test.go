package funnels

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
	"testing"

	"touchline.dev/services/internal/analytics"
	"touchline.dev/services/internal/analytics/oracle"
	"touchline.dev/services/internal/clickhouse"
)

func TestMain(m *testing.M) { oracle.Main(m) }

// query is the parameters that the views share.
type query struct {
	steps    []string
	window   int64
	from, to int64
	asOf     int64
}

func (q query) definition() analytics.FunnelDefinition {
	return analytics.FunnelDefinition{
		Mode: analytics.InOrder, Count: analytics.CountPersons, Steps: analytics.StepsNamed(q.steps...),
		WindowSeconds: q.window, From: q.from, To: q.to, AsOf: q.asOf,
	}
}

// call returns a query of a view with these parameters and more.
func (q query) call(view, project string, more ...string) string {
	parameters := append([]string{
		"project = " + clickhouse.Literal(project),
		"steps = " + oracle.Literals(q.steps),
		fmt.Sprintf("window_seconds = %d", q.window),
		"from = " + oracle.Instant(q.from),
		"to = " + oracle.Instant(q.to),
		"as_of = " + oracle.Instant(q.asOf),
	}, more...)
	return fmt.Sprintf("SELECT * FROM analytics.%s(%s)", view, strings.Join(parameters, ", "))
}

type funnel struct{ query }

func (q funnel) SQL(project string) string { return q.call("funnel", project) }

func (q funnel) Reference(s analytics.Stream) []string {
	return oracle.Texts(analytics.Funnel(s, q.definition()))
}

type breakdown struct {
	query
	by          string
	attribution analytics.Attribution
	step        int
	top         int
}

// columns are the values that a column of touchline.events has.
var columns = map[string]func(analytics.Event) string{
	"acquisition_channel": func(e analytics.Event) string { return e.Acquisition },
	"channel":             func(e analytics.Event) string { return e.Channel },
	"country":             func(e analytics.Event) string { return e.Country },
	"device_type":         func(e analytics.Event) string { return e.Device },
	"utm_campaign":        func(e analytics.Event) string { return e.Campaign },
	"utm_source":          func(e analytics.Event) string { return e.Source },
	"url_path":            func(e analytics.Event) string { return e.Path },
	"page":                analytics.Event.Page,
	"kind":                func(e analytics.Event) string { return e.Kind },
	"referrer_host":       func(e analytics.Event) string { return e.Referrer },
	"properties.plan":     analytics.Property("plan"),
	"properties.nothing":  func(analytics.Event) string { return "" },
}

// column returns the values of a column, or of a property of any name.
func column(by string) func(analytics.Event) string {
	if name, ok := strings.CutPrefix(by, "properties."); ok {
		return analytics.Property(name)
	}
	return columns[by]
}

func (q breakdown) definition() analytics.FunnelDefinition {
	d := q.query.definition()
	d.By, d.Attribution, d.AttributionStep = column(q.by), q.attribution, q.step
	return d
}

func (q breakdown) SQL(project string) string {
	return q.call("funnel_breakdown", project, "by = "+clickhouse.Literal(q.by), "attribution = "+clickhouse.Literal(string(q.attribution)),
		fmt.Sprintf("attribution_step = %d", q.step), fmt.Sprintf("top = %d", q.top))
}

func (q breakdown) Reference(s analytics.Stream) []string {
	return oracle.Texts(analytics.FunnelBreakdown(s, q.definition(), q.top))
}

type trend struct {
	query
	granularity string
}

func (q trend) SQL(project string) string {
	return q.call("funnel_trend", project, "granularity = "+clickhouse.Literal(q.granularity))
}

func (q trend) Reference(s analytics.Stream) []string {
	return oracle.Texts(analytics.FunnelTrend(s, q.definition(), q.granularity))
}

type actors struct{ query }

func (q actors) SQL(project string) string { return q.call("funnel_actors", project) }

func (q actors) Reference(s analytics.Stream) []string {
	return oracle.Texts(analytics.FunnelActors(s, q.definition()))
}

type dropOff struct{ breakdown }

func (q dropOff) SQL(project string) string {
	return q.call("drop_off", project, "by = "+clickhouse.Literal(q.by), fmt.Sprintf("top = %d", q.top))
}

func (q dropOff) Reference(s analytics.Stream) []string {
	d := q.definition()
	d.Attribution = analytics.AttributeLast
	return oracle.Texts(analytics.DropOff(s, d, q.top))
}

type dropOffNext struct {
	query
	afterStep int
	horizon   int64
	page      bool
}

func (q dropOffNext) SQL(project string) string {
	view := "drop_off_next"
	if q.page {
		view = "drop_off_next_page"
	}
	return q.call(view, project, fmt.Sprintf("after_step = %d", q.afterStep), fmt.Sprintf("horizon_seconds = %d", q.horizon))
}

func (q dropOffNext) Reference(s analytics.Stream) []string {
	next := nextEvent
	if q.page {
		next = nextPage
	}
	return oracle.Texts(analytics.DropOffNext(s, q.definition(), q.afterStep, q.horizon, next))
}

func nextEvent(e analytics.Event) string { return e.Name }

func nextPage(e analytics.Event) string {
	if e.Type != "page" && e.Type != "screen" {
		return ""
	}
	return e.Page()
}

// exact is analytics.funnel_exact: the definition without what only definitions say.
type exact struct {
	query
	mode    analytics.FunnelMode
	exclude []exclusion
}

type exclusion struct {
	name     string
	from, to int
}

func (q exact) definition() analytics.FunnelDefinition {
	d := q.query.definition()
	d.Mode = q.mode
	for _, x := range q.exclude {
		d.Exclusions = append(d.Exclusions, analytics.Forbid(x.name, x.from, x.to))
	}
	return d
}

func (q exact) SQL(project string) string {
	var names, from, to []string
	for _, x := range q.exclude {
		names, from, to = append(names, x.name), append(from, strconv.Itoa(x.from)), append(to, strconv.Itoa(x.to))
	}
	return q.call("funnel_exact", project, "mode = "+clickhouse.Literal(string(q.mode)), "exclude = "+oracle.Literals(names),
		"exclude_from = ["+strings.Join(from, ", ")+"]", "exclude_to = ["+strings.Join(to, ", ")+"]")
}

func (q exact) Reference(s analytics.Stream) []string {
	return oracle.Texts(analytics.Funnel(s, q.definition()))
}

// readExclusions reads "x:1:2,y:1:3".
func readExclusions(p oracle.Params) ([]exclusion, error) {
	var texts []string
	err := p.List("exclude", &texts)
	exclude := make([]exclusion, len(texts))
	for i, text := range texts {
		name, steps, _ := strings.Cut(text, ":")
		exclude[i].name = name
		_, scanned := fmt.Sscanf(steps, "%d:%d", &exclude[i].from, &exclude[i].to)
		err = errors.Join(err, scanned)
	}
	return exclude, err
}

// readers make the questions of vectors.
var readers = map[string]oracle.Reader{
	"abandoned": readAbandoned,
	"funnel": func(p oracle.Params) (oracle.Question, error) {
		q, err := readQuery(p)
		return funnel{q}, err
	},
	"funnel_exact": func(p oracle.Params) (oracle.Question, error) {
		q, err := readQuery(p)
		var mode string
		err = errors.Join(err, p.Text("mode", &mode))
		exclude, unread := readExclusions(p)
		return exact{q, analytics.FunnelMode(mode), exclude}, errors.Join(err, unread)
	},
	"funnel_breakdown": func(p oracle.Params) (oracle.Question, error) {
		q, err := readBreakdown(p)
		var attribution string
		err = errors.Join(err, p.Text("attribution", &attribution), p.Int("step", &q.step))
		q.attribution = analytics.Attribution(attribution)
		return q, err
	},
	"funnel_significance": readSignificance,
	"funnel_trend": func(p oracle.Params) (oracle.Question, error) {
		q, err := readQuery(p)
		t := trend{query: q}
		err = errors.Join(err, p.Text("granularity", &t.granularity))
		return t, err
	},
	"funnel_actors": func(p oracle.Params) (oracle.Question, error) {
		q, err := readQuery(p)
		return actors{q}, err
	},
	"drop_off": func(p oracle.Params) (oracle.Question, error) {
		q, err := readBreakdown(p)
		return dropOff{q}, err
	},
	"drop_off_next":      func(p oracle.Params) (oracle.Question, error) { return readNext(p, false) },
	"drop_off_next_page": func(p oracle.Params) (oracle.Question, error) { return readNext(p, true) },
}

func readQuery(p oracle.Params) (q query, err error) {
	err = errors.Join(p.List("steps", &q.steps), p.Number("window", &q.window),
		p.Time("from", &q.from), p.Time("to", &q.to), p.Time("as_of", &q.asOf))
	return q, err
}

func readBreakdown(p oracle.Params) (breakdown, error) {
	q, err := readQuery(p)
	b := breakdown{query: q}
	err = errors.Join(err, p.Text("by", &b.by), p.Int("top", &b.top))
	if column(b.by) == nil {
		err = errors.Join(err, fmt.Errorf("no column %q", b.by))
	}
	return b, err
}

func readNext(p oracle.Params, page bool) (oracle.Question, error) {
	q, err := readQuery(p)
	n := dropOffNext{query: q, page: page}
	err = errors.Join(err, p.Int("after_step", &n.afterStep), p.Number("horizon", &n.horizon))
	return n, err
}
