package laws

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	schema "touchline.dev/schemas/clickhouse"
	"touchline.dev/services/internal/analytics/oracle"
	"touchline.dev/services/internal/clickhouse"
)

func TestMain(m *testing.M) { oracle.Main(m) }

// question is a statement about an object; its first column is the project.
type question struct{ object, sql string }

// clock are the columns that follow the server's clock and not what arrived.
var clock = map[string][]string{
	"freshness":                 {"event_age_seconds", "receipt_age_seconds"},
	"touchpoints":               {"ingested_at"},
	"rejected":                  {"rejected_at"},
	"retention_rolling_default": {"cohort_start"},
}

// allOf asks for as many questions as it takes to ask for every mode.
const allOf = 100

// questions returns some about each object, at most so many. Enough of them ask for each
// of its modes; the first has many answers.
func questions(t *testing.T, s streams, enough int) []question {
	t.Helper()
	var all []question
	for _, o := range objects(t) {
		if len(o.Params) == 0 {
			all = append(all, question{o.Name, digest(o, o.FullName())})
			continue
		}
		lists, most := make([][]string, len(o.Params)), 0
		for i, p := range o.Params {
			if lists[i] = s.values(o.Name, p.Name); len(lists[i]) == 0 {
				t.Errorf("%s: give parameter %s a value to ask for", o.Name, p.Name)
				lists[i] = []string{p.Example}
			}
			most = max(most, len(lists[i]))
		}
		for n := range min(most, enough) {
			o.Params = slices.Clone(o.Params)
			for i := range o.Params {
				o.Params[i].Example = lists[i][n%len(lists[i])]
			}
			all = append(all, question{o.Name, digest(o, o.Call())})
		}
	}
	return all
}

func objects(t *testing.T) []schema.Object {
	t.Helper()
	list, err := schema.Objects()
	if err != nil {
		t.Fatal(err)
	}
	return list
}

// digest returns the statement that counts and sums up the rows of each project. Of
// floats it takes seven digits, because the last ones of a sum depend on its order.
func digest(o schema.Object, from string) string {
	var columns []string
	project := "''"
	for _, c := range o.Columns {
		switch {
		case slices.Contains(clock[o.Name], c.Name):
		case c.Name == "project":
			project = "toString(project)"
		case strings.Contains(c.Type, "Float64"):
			columns = append(columns, "toFloat32("+c.Name+")")
		default:
			columns = append(columns, c.Name)
		}
	}
	return "SELECT " + project + ", count(), sum(cityHash64(toString(tuple(" + strings.Join(columns, ", ") + ")))) FROM " + from + " GROUP BY 1"
}

// values returns what an object is asked with for a parameter, as SQL. The n-th
// question takes the n-th value of each list, from the beginning again where it ends.
func (s streams) values(object, parameter string) []string {
	text := func(at time.Time) string { return clickhouse.Literal(at.UTC().Format("2006-01-02 15:04:05.000")) }
	list := map[string][]string{
		"project": {"'*'"},
		"from":    {text(s.begin.AddDate(0, 0, -5)), text(s.begin)},
		"to":      {text(s.begin.AddDate(0, 0, 60))},
		"as_of":   {text(s.begin.AddDate(0, 0, 50)), text(s.begin.Add(30 * time.Hour))},

		"steps":            {"['a', 'b', 'c']", "['b', 'a', 'page_view']", "['a', 'c', 'b']"},
		"window_seconds":   {"7200", "31622400", "60"},
		"exclude":          {"['d']", "[]", "['page_view', 'd']"},
		"exclude_from":     {"[1]", "[]", "[1, 1]"},
		"exclude_to":       {"[2]", "[]", "[3, 3]"},
		"attribution":      {"'first'", "'last'", "'step'", "'all'"},
		"attribution_step": {"1", "2"},
		"baseline":         {"'DE'", "''"},

		"funnel_significance.attribution": {"'first'", "'last'", "'step'"},
		"funnel_significance.by":          {"'country'", "'properties.plan'"},
		"funnel_breakdown.by":             {"'country'", "'properties.plan'"},
		"drop_off.by":                     {"'country'", "'properties.plan'"},

		"by":              {"'country'", "'utm_campaign'"},
		"top":             {"2", "50"},
		"after_step":      {"1", "2"},
		"horizon_seconds": {"86400", "31622400"},
		"after_seconds":   {"3600"},

		"mode":              {"'recurring'", "'first_time'", "'first_ever'"},
		"funnel_exact.mode": {"'ordered'", "'strict'", "'unordered'"},
		"granularity":       {"'day'", "'week'", "'month'"},
		"cumulative":        {"false", "true"},
		"start_event":       {"'a'", "''"},
		"return_event":      {"''", "'b'"},
		"cohorts":           {"9"},
		"periods":           {"5"},
		"cohort":            {"2", "1", "0"},
		"period":            {"1", "0"},
		"event":             {"''", "'a'"},
		"currency":          {"''", "'EUR'"},
		"metric":            {"'persons'", "'new_persons'", "'events'", "'orders'", "'revenue'", "'sessions'", "'bounce_rate'"},
		"comparison":        {"'>='", "'<='", "'='"},
		"occurrences":       {"2", "1"},

		"retention_rolling.granularity": {"'hour'", "'day'", "'week'", "'month'"},
		"retention_rolling.cohorts":     {"200"},
		"retention_hourly.cohorts":      {"200"},
		// Sessions have no event.
		"north_star.event": {"''", "'a'", "''", "'b'", "''", "''", "''"},

		"sign_up":    {"'a'", "'b'"},
		"activation": {"'b'", "'c'"},
		"first_use":  {"'c'", "'a'"},

		"match":              {"'event'", "'kind'"},
		"shown":              {"'a'", "'ad_impression'"},
		"clicked":            {"'b'", "'ad_click'"},
		"features":           {"[]", "['a', 'order']"},
		"acquisition.by":     {"'channel'", "'source'", "'medium'", "'campaign'"},
		"sessions_daily.by":  {"'country'", "'visitor'"},
		"start":              {"''", "'a'", "''", "'a'"},
		"end":                {"''", "''", "'b'", "'c'"},
		"only":               {"[]", "['a', 'b', 'c', 'page_view']"},
		"paths.exclude":      {"[]", "['d']"},
		"gap_seconds":        {"864000"},
		"max_steps":          {"5"},
		"timeline.person_id": s.persons,
		"id":                 {"'u-1'", "'d-2'"},
	}
	if values, ok := list[object+"."+parameter]; ok {
		return values
	}
	return list[parameter]
}

// The questions of the laws ask for every mode there is.
func TestQuestionsAskForEveryMode(t *testing.T) {
	s := newStreams(t)
	asked := map[string]bool{}
	for _, q := range questions(t, s, allOf) {
		asked[q.object] = true
		for _, o := range objects(t) {
			if o.Name != q.object || len(o.Params) == 0 {
				continue
			}
			modes, err := oracle.ModesOf(o)
			if err != nil {
				t.Fatal(err)
			}
			for _, name := range oracle.AskedBy(q.sql, o.Name, modes) {
				asked[q.object+": "+name] = true
			}
		}
	}
	for _, o := range objects(t) {
		if !asked[o.Name] {
			t.Errorf("nothing asks %s", o.Name)
		}
		modes, err := oracle.ModesOf(o)
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range modes {
			if !asked[fmt.Sprintf("%s: %s", o.Name, m.Name)] {
				t.Errorf("nothing asks %s for %s", o.Name, m.Name)
			}
		}
	}
}
