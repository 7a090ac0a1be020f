package access

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	schema "touchline.dev/schemas/clickhouse"
	"touchline.dev/services/internal/clickhouse"
)

// What a reader of one project gets does not depend on what another project holds:
// through no view does it change when theirs fills with rows. So neither their rows
// nor a count, sum or order of them comes through.
func TestNothingOfAnotherProjectComesThrough(t *testing.T) {
	w := newWorld(t)
	w.load(t, ours, 4)
	before, all := w.answers(t, w.reader, w.objects), w.answers(t, w.writer, w.objects)
	w.load(t, theirs, 7)
	for _, name := range differing(before, w.answers(t, w.reader, w.objects)) {
		t.Errorf("%s: what %s holds changes what a reader of %s sees", name, theirs, ours)
	}

	// The test says something only about a view that shows something.
	seen := differing(all, w.answers(t, w.writer, w.objects))
	for _, o := range w.objects {
		if !ofProjects(o) {
			if o.Name != "catalog" {
				t.Errorf("%s has no column project", o.Name)
			}
			continue
		}
		if before[o.Name] == "" {
			t.Errorf("%s shows nothing of %s: the test needs rows for it", o.Name, ours)
		}
		if !slices.Contains(seen, o.Name) {
			t.Errorf("%s shows the writer nothing of %s: the test needs rows for it", o.Name, theirs)
		}
	}

	t.Run("named", w.namedProjects)
	t.Run("conditions", w.conditions)
}

// namedProjects: a project that is named and not allowed is an error, also when there
// is none of that name. It must not look empty, nor tell whether it exists.
func (w *world) namedProjects(t *testing.T) {
	for _, o := range w.objects {
		if len(o.Params) == 0 {
			continue
		}
		if !takes(o, "project") {
			t.Errorf("%s: has no parameter project", o.Name)
			continue
		}
		for _, project := range []string{theirs, "nobody", "' OR 1 --"} {
			err := drain(t, w.reader, "SELECT * FROM "+w.about(o, project))
			if err == nil || !strings.Contains(err.Error(), "project: no access to it") {
				t.Errorf("%s: project %q: error %.300v", o.Name, project, err)
			}
		}
	}
}

// conditions: a condition of the reader is worked out together with those of the
// view. On rows of another project it must not be worked out at all, as an error, or
// its text, would tell what they hold. So conditions that fail on values that only
// theirs has, one for each column of a view, must find nothing to fail on.
func (w *world) conditions(t *testing.T) {
	probed := 0
	for _, o := range w.objects {
		if !ofProjects(o) {
			continue
		}
		var list []string
		for column, value := range w.foreign(t, o) {
			probed++
			list = append(list, fmt.Sprintf("NOT throwIf(toString(%s) = %s, '%[1]s')", column, clickhouse.Literal(value)))
		}
		if len(list) == 0 {
			continue
		}
		slices.Sort(list)
		if err := drain(t, w.reader, "SELECT count() FROM "+w.about(o, "*")+" WHERE "+strings.Join(list, " AND ")); err != nil {
			t.Errorf("%s: %.300v", o.Name, err)
		}
	}
	if probed < len(w.objects) {
		t.Errorf("probed %d columns of %d views", probed, len(w.objects))
	}
}

// Every view is described, or the tests above would not know it.
func TestEveryViewIsTested(t *testing.T) {
	w := newWorld(t)
	known := make([]string, len(w.objects))
	for i, o := range w.objects {
		known[i] = o.Name
	}
	slices.Sort(known)
	if have := w.names(t, "SELECT name FROM system.tables WHERE database = 'analytics' ORDER BY name"); !slices.Equal(have, known) {
		t.Errorf("the database has %q, described are %q", have, known)
	}
}

// The tests notice a view without protection, of each form.
func TestAnUnprotectedViewIsNoticed(t *testing.T) {
	w := newWorld(t)
	w.exec(t, `CREATE VIEW analytics.open_plain DEFINER = CURRENT_USER SQL SECURITY DEFINER
		AS SELECT toInt64(count()) AS events FROM touchline.touchpoints`)
	w.exec(t, `CREATE VIEW analytics.open_call DEFINER = CURRENT_USER SQL SECURITY DEFINER
		AS SELECT t.project AS project, t.event AS event FROM touchline.touchpoints AS t WHERE t.project = {project:String} OR {project:String} = '*'`)
	w.exec(t, `CREATE VIEW analytics.closed DEFINER = CURRENT_USER SQL SECURITY DEFINER
		AS SELECT toInt64(count()) AS events FROM touchline.events`)
	objects := []schema.Object{
		{Name: "open_plain"}, {Name: "closed"}, {Name: "open_call", Params: []schema.Param{{Name: "project", Example: "'*'"}}},
	}
	w.load(t, ours, 4)
	before := w.answers(t, w.reader, objects)
	w.load(t, theirs, 7)
	if have, want := differing(before, w.answers(t, w.reader, objects)), []string{"open_call", "open_plain"}; !slices.Equal(have, want) {
		t.Errorf("noticed %q, want %q", have, want)
	}
}

// foreign returns for each column of an object a value that only theirs has.
func (w *world) foreign(t *testing.T, o schema.Object) map[string]string {
	t.Helper()
	texts := make([]string, len(o.Columns))
	for i, c := range o.Columns {
		texts[i] = "'" + c.Name + "', [toString(assumeNotNull(" + c.Name + "))]"
	}
	values := func(project string) string {
		return "SELECT arrayJoin(map(" + strings.Join(texts, ", ") + ")) AS pair FROM " + w.about(o, "*") + " WHERE project = " + clickhouse.Literal(project)
	}
	pairs := w.names(t, "SELECT concat(pair.1, '\\t', min(value)) FROM (SELECT pair, arrayJoin(pair.2) AS value FROM ("+values(theirs)+
		")) WHERE (pair.1, value) NOT IN (SELECT pair.1, arrayJoin(pair.2) FROM ("+values(ours)+")) GROUP BY pair.1")
	found := map[string]string{}
	for _, pair := range pairs {
		column, value, _ := strings.Cut(pair, "\t")
		found[column] = value
	}
	return found
}
