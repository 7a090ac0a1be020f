package laws

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	schema "touchline.dev/schemas/clickhouse"
	"touchline.dev/services/internal/analytics/oracle"
)

// fixed are arguments that only the view behind a plain one takes: it tells events by
// their kinds instead of their names.
var fixed = map[string][]string{"on": {"'kind'"}, "match": {"'kind'"}, "what": {"'event'", "'page'"}}

// A plain view gives what the view that it stands for gives, when that is called with
// the arguments in the text of the plain one. Plain views may tell events by their
// kinds: here every event has its kind for a name.
func TestPlainViewsEqualTheCallsTheyStandFor(t *testing.T) {
	s := newStreams(t)
	for _, p := range s.projects {
		for i := range p.Events {
			e := &p.Events[i]
			if e.Kind != "" {
				e.Name = e.Kind
			}
		}
	}
	all := objects(t)
	texts := viewTexts(t)
	var plain, calls []question
	for _, o := range all {
		name, twin := strings.CutSuffix(o.Name, "_default")
		if !twin {
			continue
		}
		i := slices.IndexFunc(all, func(other schema.Object) bool { return other.Name == name })
		if i < 0 {
			t.Errorf("%s: there is no view %s", o.Name, name)
			continue
		}
		of := all[i]
		if have, want := columnNames(o), columnNames(of); !slices.Equal(have, want) {
			t.Errorf("%s: columns %q, want those of %s: %q", o.Name, have, name, want)
			continue
		}
		arguments, err := argumentsOf(texts[o.Name], of)
		if err != nil {
			t.Errorf("%s: %v", o.Name, err)
			continue
		}
		of.Params = arguments
		of.Columns = o.Columns
		of.Name = name
		plain = append(plain, question{o.Name, digest(o, o.FullName())})
		calls = append(calls, question{o.Name, digest(schema.Object{Name: o.Name, Columns: of.Columns}, of.Call())})
	}
	if len(plain) < 20 {
		t.Errorf("found only %d plain views", len(plain))
	}
	onOneDay(t, func() []string {
		w := oracle.New(t)
		w.Load(t, s.r, s.projects)
		have, want := ask(t, w.BI, plain), ask(t, w.BI, calls)
		called := map[string]map[string]answer{}
		for i := range plain {
			called[plain[i].sql] = want[calls[i].sql]
		}
		return append(differences(plain, have, called), silent(plain, have)...)
	})
}

func columnNames(o schema.Object) []string {
	names := make([]string, len(o.Columns))
	for i, c := range o.Columns {
		names[i] = c.Name + " " + c.Type
	}
	return names
}

// viewTexts returns the statements of the views of the database analytics.
func viewTexts(t *testing.T) map[string]string {
	t.Helper()
	views, err := schema.Views()
	if err != nil {
		t.Fatal(err)
	}
	texts := map[string]string{}
	for _, v := range views {
		if name, ok := strings.CutPrefix(v.Name, "views/analytics/"); ok {
			texts[strings.TrimSuffix(name, ".sql")] = v.SQL
		}
	}
	return texts
}

// argumentsOf returns the parameters of a view with the values that the text of its
// plain twin calls it with, or the view behind both.
func argumentsOf(text string, of schema.Object) ([]schema.Param, error) {
	_, body, ok := strings.Cut(text, "\nAS\n")
	if !ok {
		return nil, fmt.Errorf("want AS in a line of its own")
	}
	_, body, ok = strings.Cut(body, "\nFROM ")
	if !ok {
		return nil, fmt.Errorf("want FROM and a call")
	}
	_, given, err := oracle.Call(body, "")
	if err != nil {
		return nil, err
	}
	params := slices.Clone(of.Params)
	for i, p := range params {
		value, ok := given[p.Name]
		if !ok {
			return nil, fmt.Errorf("calls nothing with %s", p.Name)
		}
		params[i].Example = value
		delete(given, p.Name)
	}
	for _, name := range slices.Sorted(maps.Keys(given)) {
		if !slices.Contains(fixed[name], given[name]) {
			return nil, fmt.Errorf("%s = %s: has no such parameter", name, given[name])
		}
	}
	return params, nil
}
