package definition

import (
	"fmt"
	"reflect"
	"slices"
	"strings"
	"time"

	"touchline.dev/services/internal/config"
)

// Definition is a funnel or a retention table.
type Definition struct {
	Funnel    Funnel    `yaml:"funnel" doc:"A funnel."`
	Retention Retention `yaml:"retention" doc:"A retention table."`
}

// Default returns a definition that lacks only its steps or events: of all projects
// that the reader may see, in the last 30 days.
func Default() Definition {
	return Definition{
		Funnel: Funnel{
			Project: "*", Mode: "ordered", Count: "persons", Window: 14 * 24 * time.Hour, From: "30d", To: "now", AsOf: "now",
			Attribution: "first", AttributionStep: 1, Top: 10,
		},
		Retention: Retention{
			Project: "*", Granularity: "day", Mode: "first_time", MinOccurrences: 1, From: "30d", Cohorts: 31, Periods: 15, AsOf: "now",
		},
	}
}

// MaxFileBytes is the most that a file with a definition may have: twenty steps with all
// their conditions.
const MaxFileBytes = 1 << 20

// Parse reads a definition of one document of YAML. name stands for the file in
// errors, which are config.Problems: each with its key and line.
func Parse(name string, data []byte) (Definition, error) {
	d := Default()
	if err := config.Decode(name, data, &d); err != nil {
		return Definition{}, err
	}
	return d, nil
}

// IsFunnel reports which of the two it is.
func (d Definition) IsFunnel() bool { return len(d.Funnel.Steps) > 0 }

// Validate reports everything that makes the definition meaningless.
func (d Definition) Validate() error {
	var p config.Problems
	retention := !reflect.DeepEqual(d.Retention, Default().Retention)
	switch {
	case d.IsFunnel() && retention:
		p.Addf("retention", "want a funnel or a retention table, not both")
	case d.IsFunnel():
		d.Funnel.check(p.Addf)
	case retention:
		d.Retention.check(p.Addf)
	case !reflect.DeepEqual(d.Funnel, Default().Funnel):
		p.Addf("funnel.steps", "want 1 or more")
	default:
		p.Addf("funnel.steps", "want funnel, with steps, or retention, with start and return")
	}
	return p.Err()
}

// SQL returns the statement, without a semicolon, of a definition that is valid.
func (d Definition) SQL() string {
	if d.IsFunnel() {
		return d.Funnel.sql()
	}
	return d.Retention.sql()
}

// Summary says in a line what the definition asks.
func (d Definition) Summary() string {
	if !d.IsFunnel() {
		return d.Retention.summary()
	}
	names := make([]string, len(d.Funnel.Steps))
	for i, s := range d.Funnel.Steps {
		names[i] = s.label()
	}
	return d.Funnel.Mode + " funnel of " + strings.Join(names, ", ")
}

// Columns returns the columns of a row of the statement, in order.
func (d Definition) Columns() []Column {
	if d.IsFunnel() {
		return d.Funnel.columns()
	}
	return d.Retention.columns()
}

// Column is a column of the statement of a definition.
type Column struct{ Name, Type, Description string }

func item(path string, i int) string { return fmt.Sprintf("%s[%d]", path, i) }

// oneOf reports a value that is none of those wanted.
func oneOf(path, value string, add func(path, format string, args ...any), wanted ...string) {
	if !slices.Contains(wanted, value) {
		add(path, "want one of %v, got %.60q", wanted, value)
	}
}

// instant is the SQL of a time that was checked.
func instant(text string) string {
	sql, err := Moment(text, false)
	if err != nil {
		panic("definition: SQL of a definition that is not valid: " + err.Error())
	}
	return sql
}

// checkOrder refuses a range that ends before it begins: the SQL does so too, as one
// may be relative and the other not.
func checkOrder(from, to string, add func(path, format string, args ...any)) {
	now := time.Now()
	begin, ok := at(from, now)
	end, known := at(to, now)
	if ok && known && !begin.Before(end) {
		add("from", "want a time before to")
	}
}

func checkInstants(add func(path, format string, args ...any), times map[string]string) {
	for path, text := range times {
		if _, err := Moment(text, false); err != nil {
			add(path, "%v", err)
		}
	}
}

func checkProject(path, project string, add func(path, format string, args ...any)) {
	if project == "" || len(project) > maxName {
		add(path, "want the id of a project, or * for all that the reader may see")
	}
}
