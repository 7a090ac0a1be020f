package bi

import (
	"crypto/sha256"
	"encoding/hex"
	"strings"
)

// ProfileName is the settings profile of BI users on a server of one's own.
const ProfileName = "bi_of_touchline"

// setting is one of a profile: its value, and the rest of what SQL says about it.
type setting struct{ name, value, rule string }

const changeable = " CHANGEABLE_IN_READONLY"

// profile is that of the user bi in deploy/clickhouse/users.xml, which says why.
func profile() []setting {
	return []setting{
		{"readonly", "1", ""},
		{"max_memory_usage", "4000000000", ""},
		{"max_threads_min_free_memory_per_thread", "0", ""},
		{"async_insert", "0", ""},
		{"date_time_output_format", "'simple'", changeable},
		{"mutations_sync", "3", ""},
		{"lightweight_deletes_sync", "3", ""},
		{"alter_sync", "3", ""},
		{"insert_distributed_sync", "1", ""},
		{"session_timezone", "'UTC'", changeable},
		{"allow_reorder_prewhere_conditions", "0", ""},
		{"short_circuit_function_evaluation", "'force_enable'", ""},
		{"optimize_functions_to_subcolumns", "0", ""},
		{"max_execution_time", "60", " MIN 1 MAX 300" + changeable},
		{"max_result_rows", "1000000", " MIN 1 MAX 1000000" + changeable},
		{"result_overflow_mode", "'throw'", changeable},
		{"join_use_nulls", "0", changeable},
		{"output_format_json_quote_64bit_integers", "0", changeable},
		{"max_block_size", "65409", changeable},
	}
}

// grants are those of the user bi in deploy/clickhouse/users.xml.
func grants() []string {
	return []string{
		"SELECT ON analytics.*", "dictGet ON touchline.person_map",
		"SELECT ON information_schema.*", "SELECT ON INFORMATION_SCHEMA.*", "SELECT ON system.parts",
	}
}

// Statements returns what an administrator of a ClickHouse server of one's own runs
// to make a user that may read these projects. The password is in it as a hash only.
func Statements(user, password string, projects []string) []string {
	settings := profile()
	lines := make([]string, len(settings))
	for i, s := range settings {
		lines[i] = "    " + s.name + " = " + s.value + s.rule
	}
	sum := sha256.Sum256([]byte(password))
	list := []string{
		"CREATE SETTINGS PROFILE IF NOT EXISTS " + ProfileName + " SETTINGS\n" + strings.Join(lines, ",\n"),
		"CREATE USER " + user + " IDENTIFIED WITH sha256_hash BY '" + hex.EncodeToString(sum[:]) + "' SETTINGS PROFILE '" + ProfileName + "'",
	}
	for _, grant := range grants() {
		list = append(list, "GRANT "+grant+" TO "+user)
	}
	return append(list, insertRights(user, projects))
}
