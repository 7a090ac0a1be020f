package visits

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"touchline.dev/services/internal/analytics/oracle"
)

// good are parameters that are taken, by view.
var good = map[string]map[string]string{
	"timeline":            {"person_id": "'00000000000000aF'"},
	"timeline_persons":    {"id": "'u'"},
	"timeline_of":         {"id": "'u'"},
	"sessions":            {"from": "'2026-01-01'", "to": "'2026-01-02'"},
	"sessions_daily":      {"from": "'2026-01-01'", "to": "'2026-01-02'", "granularity": "'day'", "by": "'country'", "top": "3"},
	"pages":               {"from": "'2026-01-01'", "to": "'2026-01-02'", "top": "3"},
	"engagement_features": {"from": "'2026-01-01'", "to": "'2026-01-02'", "match": "'event'", "features": "['a']"},
	"acquisition":         {"from": "'2026-01-01'", "to": "'2026-01-02'", "by": "'channel'", "top": "3"},
	"engagement": {
		"from": "'2026-01-01'", "to": "'2026-01-02'", "match": "'kind'", "shown": "'ad_impression'", "clicked": "'ad_click'",
		"by": "'country'", "top": "3",
	},
	"paths": {
		"from": "'2026-01-01'", "to": "'2026-01-02'", "start": "''", "end": "''", "only": "[]", "exclude": "[]",
		"gap_seconds": "1800", "max_steps": "5", "top": "50",
	},
}

// Parameters that would give a wrong or endless answer are refused, and the error
// names the parameter.
func TestBadInputIsRefused(t *testing.T) {
	type bad struct{ view, parameter, value, want string }
	list := []bad{
		{"timeline", "person_id", "''", "person_id: want 16 hex digits"},
		{"timeline", "person_id", "'00000000000000a'", "person_id: want 16 hex digits"},
		{"timeline", "person_id", "'00000000000000ag'", "person_id: want 16 hex digits"},
		{"timeline", "person_id", `'00000000000000af\n'`, "person_id: want 16 hex digits"},
		{"timeline_persons", "id", "''", "id: want a user_id or an anonymous_id"},
		{"timeline_of", "id", "''", "id: want a user_id or an anonymous_id"},
		{"sessions_daily", "granularity", "'hour'", "granularity: want day, week or month"},
		{"sessions_daily", "by", "'nothing'", "by.nothing"},
		{"sessions_daily", "by", "'country, person_id'", "by.country, person_id"},
		{"sessions_daily", "by", "'person_id'", "by: want acquisition_channel, country, ... or project"},
		{"sessions_daily", "to", "'2100-01-01'", "to: want a time before 2100"},
		{"engagement", "match", "'nothing'", "match: want event or kind"},
		{"engagement", "by", "'1) OR (1'", "by.1) OR (1"},
		{"engagement", "by", "'person_id'", "by: want a text column of touchpoints"},
		{"engagement", "by", "'shown_count'", "by.shown_count"},
		{"engagement", "shown", "''", "shown: want the name"},
		{"engagement", "clicked", "''", "clicked: want the name"},
		{"engagement", "clicked", "'ad_impression'", "clicked: want another than shown"},
		{"engagement_features", "match", "''", "match: want event or kind"},
		{"acquisition", "by", "'country'", "by: want channel, source, medium or campaign"},
		{"paths", "gap_seconds", "0", "gap_seconds: want 1 to 31622400"},
		{"paths", "gap_seconds", "31622401", "gap_seconds: want 1 to 31622400"},
		{"paths", "gap_seconds", "-1", "gap_seconds"},
		{"paths", "max_steps", "2", "max_steps: want 3 to 50"},
		{"paths", "max_steps", "51", "max_steps: want 3 to 50"},
		{"paths", "exclude", "['']", "exclude: want neither start nor end"},
	}
	for view, parameters := range good {
		list = append(list, bad{view, "project", "''", "project: no access to it"})
		if _, ok := parameters["top"]; ok {
			list = append(list, bad{view, "top", "0", "top: want 1 to 1000"}, bad{view, "top", "1001", "top: want 1 to 1000"})
		}
		if _, ok := parameters["from"]; ok {
			list = append(list,
				bad{view, "from", "'2026-01-02'", "from: want a time before to"},
				bad{view, "from", "'2026-01-03'", "from: want a time before to"},
				bad{view, "from", "'1970-01-01'", "from: want 1970-"},
				bad{view, "from", "'yesterday'", "from"},
			)
			if view != "sessions_daily" {
				list = append(list, bad{view, "to", "'2149-01-01'", "to: want a time before 2149"})
			}
		}
	}
	w := oracle.New(t)
	// Access is asked for as somebody who may see one project.
	if err := w.Writer.Exec(t.Context(), "DELETE FROM touchline.bi_access WHERE user = 'bi'"); err != nil {
		t.Fatal(err)
	}
	if err := w.Writer.Exec(t.Context(), "INSERT INTO touchline.bi_access VALUES ('bi', 'p')"); err != nil {
		t.Fatal(err)
	}
	for view, parameters := range good {
		if _, err := oracle.Ask(t, w.BI, call(view, parameters)); err != nil {
			t.Errorf("the good call: %v", err)
		}
	}
	for _, b := range list {
		parameters := maps.Clone(good[b.view])
		parameters[b.parameter] = b.value
		sql := call(b.view, parameters)
		if _, err := oracle.Ask(t, w.BI, sql); err == nil || !strings.Contains(err.Error(), b.want) {
			t.Errorf("%s: error %v, want %q", sql, err, b.want)
		}
	}
}

func call(view string, parameters map[string]string) string {
	given := []string{"project = 'p'"}
	if project, ok := parameters["project"]; ok {
		given = []string{"project = " + project}
	}
	for _, name := range slices.Sorted(maps.Keys(parameters)) {
		if name != "project" {
			given = append(given, fmt.Sprintf("%s = %s", name, parameters[name]))
		}
	}
	return fmt.Sprintf("SELECT * FROM analytics.%s(%s)", view, strings.Join(given, ", "))
}
