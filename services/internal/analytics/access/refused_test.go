package access

import (
	"strings"
	"testing"
)

// What would let a reader look behind the views, or change anything, is refused.
func TestProbesAreRefused(t *testing.T) {
	w := newWorld(t)
	w.load(t, ours, 4)
	w.load(t, theirs, 7)
	probes := map[string]string{
		"INSERT INTO touchline.bi_access VALUES ('bi', '*')":             "ACCESS_DENIED",
		"INSERT INTO analytics.touchpoints (project) VALUES ('ours')":    "ACCESS_DENIED",
		"ALTER TABLE touchline.bi_access DELETE WHERE 1":                 "ACCESS_DENIED",
		"DELETE FROM touchline.touchpoints WHERE 1":                      "ACCESS_DENIED",
		"CREATE TABLE analytics.x (a Int8) ENGINE = Memory":              "ACCESS_DENIED",
		"CREATE TEMPORARY TABLE x (a Int8)":                              "ACCESS_DENIED",
		"CREATE VIEW analytics.x AS SELECT * FROM touchline.touchpoints": "ACCESS_DENIED",
		"CREATE USER other":                                                               "ACCESS_DENIED",
		"DROP VIEW analytics.funnel":                                                      "ACCESS_DENIED",
		"EXECUTE AS writer SELECT 1":                                                      "",
		"SYSTEM RELOAD DICTIONARY touchline.person_map":                                   "ACCESS_DENIED",
		"KILL QUERY WHERE 1":                                                              "ACCESS_DENIED",
		"BACKUP DATABASE touchline TO Memory('x')":                                        "",
		"SHOW CREATE TABLE touchline.touchpoints":                                         "ACCESS_DENIED",
		"DESCRIBE touchline.touchpoints":                                                  "ACCESS_DENIED",
		"SELECT * FROM url('http://127.0.0.1:1/', 'LineAsString')":                        "ACCESS_DENIED",
		"SELECT * FROM file('/etc/hostname', LineAsString)":                               "ACCESS_DENIED",
		"SELECT file('/etc/hostname')":                                                    "files cannot be read here",
		"SELECT * FROM remote('127.0.0.1', touchline.touchpoints)":                        "ACCESS_DENIED",
		"SELECT * FROM clusterAllReplicas('default', touchline.touchpoints)":              "",
		"SELECT * FROM merge('touchline', '.*')":                                          "",
		"SELECT * FROM mergeTreeIndex('touchline', 'touchpoints')":                        "",
		"SELECT * FROM view(SELECT * FROM touchline.touchpoints)":                         "ACCESS_DENIED",
		"SELECT * FROM viewExplain('EXPLAIN', '', (SELECT * FROM touchline.touchpoints))": "",
		"SELECT * FROM dictionary('touchline.person_map')":                                "ACCESS_DENIED",
		"SELECT * FROM touchline.person_map":                                              "ACCESS_DENIED",
		"SELECT hasColumnInTable('touchline', 'touchpoints', 'ip')":                       "ACCESS_DENIED",
		"SELECT joinGet('touchline.touchpoints', 'ip', 1)":                                "",
		"SELECT * FROM system.processes":                                                  "ACCESS_DENIED",
		"SELECT * FROM system.dictionaries":                                               "ACCESS_DENIED",
		"SELECT * FROM system.users":                                                      "ACCESS_DENIED",
		"SELECT * FROM system.numbers LIMIT 1":                                            "ACCESS_DENIED",
		"SELECT * FROM system.mutations":                                                  "ACCESS_DENIED",
		"SELECT * FROM touchline.allowed(project = 'ours')":                               "ACCESS_DENIED",
	}
	// Without parentheses a view with parameters is no table to anybody.
	hidden := w.names(t, "SELECT name FROM system.tables WHERE database = 'touchline' AND empty(parameterized_view_parameters)")
	if len(hidden) < 15 {
		t.Errorf("found only the tables %q", hidden)
	}
	for _, name := range hidden {
		probes["SELECT * FROM touchline."+name] = "ACCESS_DENIED"
		// A filter on a hidden table works inside the views and tells what they hide.
		probes["SELECT * FROM analytics.touchpoints SETTINGS additional_table_filters = {'touchline."+name+"': '1'}"] = "READONLY"
	}
	for _, setting := range []string{
		"readonly = 0", "readonly = 2", "max_memory_usage = 0", "additional_result_filter = '1'",
		// They order conditions, or lift what makes the order hold.
		"allow_reorder_prewhere_conditions = 1", "short_circuit_function_evaluation = 'disable'", "enable_analyzer = 0",
		"query_plan_merge_filters = 0", "optimize_move_to_prewhere = 0",
	} {
		probes["SELECT 1 SETTINGS "+setting] = "READONLY"
	}
	for sql, want := range probes {
		if err := drain(t, w.reader, sql); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: error %v, want %q", sql, err, want)
		}
	}
	for sql, want := range map[string]string{
		"SELECT toString(count()) FROM system.tables WHERE database = 'touchline'":                                                                                 "0",
		"SELECT toString(count()) FROM system.columns WHERE database = 'touchline'":                                                                                "0",
		"SELECT toString(count()) FROM system.parts WHERE database = 'touchline'":                                                                                  "0",
		"SELECT toString(count()) FROM information_schema.tables WHERE table_schema = 'touchline'":                                                                 "0",
		"SELECT toString(count()) FROM system.databases WHERE name NOT IN ('analytics', 'system', 'default', 'touchline') AND lower(name) != 'information_schema'": "0",
	} {
		if have, err := ask(t, w.reader, sql); err != nil || strings.Join(have, " ") != want {
			t.Errorf("%s: %q, error %v, want %s", sql, have, err, want)
		}
	}
}

// Rights follow the table at once, without a new login.
func TestRightsFollowTheTable(t *testing.T) {
	w := newWorld(t)
	w.load(t, ours, 4)
	w.load(t, theirs, 7)
	user := w.server.BI.User
	for _, c := range []struct{ change, want string }{
		{"SELECT 1", "ours"},
		{"INSERT INTO touchline.bi_access VALUES ('" + user + "', 'theirs')", "ours theirs"},
		{"DELETE FROM touchline.bi_access WHERE user = '" + user + "' AND project = 'ours'", "theirs"},
		{"INSERT INTO touchline.bi_access VALUES ('" + user + "', '*')", "ours theirs"},
		{"DELETE FROM touchline.bi_access WHERE user = '" + user + "'", ""},
	} {
		w.exec(t, c.change)
		have, err := ask(t, w.reader, "SELECT DISTINCT project FROM analytics.touchpoints ORDER BY project")
		if err != nil || strings.Join(have, " ") != c.want {
			t.Errorf("after %s: sees %q, error %v, want %q", c.change, have, err, c.want)
		}
	}
}
