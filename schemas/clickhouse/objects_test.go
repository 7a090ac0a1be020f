package clickhouse

import (
	"regexp"
	"slices"
	"strings"
	"testing"
)

// biTypes are those that every BI tool and driver reads. A parameter may also be a
// list, a small number or the name of a column.
var (
	biTypes    = []string{"Int64", "Float64", "Decimal(18, 4)", "String", "Bool", "Date", "DateTime64(3, 'UTC')", "UUID"}
	paramTypes = append([]string{"Array(String)", "Array(UInt8)", "UInt8", "UInt16", "UInt32", "UInt64", "Identifier"}, biTypes...)
	nullable   = regexp.MustCompile(`^Nullable\((.*)\)$`)
	snakeCase  = regexp.MustCompile(`^[a-z][a-z0-9]*(_[a-z0-9]+)*$`)
)

func objects(t *testing.T) []Object {
	t.Helper()
	all, err := Objects()
	if err != nil {
		t.Fatal(err)
	}
	if len(all) < 10 {
		t.Fatalf("found only %d objects", len(all))
	}
	return all
}

func TestObjectsAreMadeForBITools(t *testing.T) {
	for _, o := range objects(t) {
		if !snakeCase.MatchString(o.Name) {
			t.Errorf("%s: want a name in snake case", o.Name)
		}
		if strings.HasSuffix(o.Summary, ".") {
			t.Errorf("%s: want a summary without a full stop", o.Name)
		}
		if o.Name != "catalog" && o.Columns[0].Name != "project" {
			t.Errorf("%s: first column is %s, want project", o.Name, o.Columns[0].Name)
		}
		if len(o.Params) > 0 && o.Params[0].Name != "project" {
			t.Errorf("%s: first parameter is %s, want project", o.Name, o.Params[0].Name)
		}
		for _, p := range o.Params {
			if !slices.Contains(paramTypes, p.Type) || !snakeCase.MatchString(p.Name) {
				t.Errorf("%s: parameter %s %s: want a plain type and a name in snake case", o.Name, p.Name, p.Type)
			}
		}
		for _, c := range o.Columns {
			if !slices.Contains(biTypes, nullable.ReplaceAllString(c.Type, "$1")) || !snakeCase.MatchString(c.Name) {
				t.Errorf("%s: column %s %s: want a type that every tool reads and a name in snake case", o.Name, c.Name, c.Type)
			}
		}
	}
}

// A tool that cannot pass parameters needs a plain view beside each that has some.
// A person's history has no sensible default.
func TestObjectsWithParametersHaveAPlainTwin(t *testing.T) {
	all := objects(t)
	for _, o := range all {
		if len(o.Params) == 0 || strings.HasPrefix(o.Name, "timeline") {
			continue
		}
		twin := slices.IndexFunc(all, func(p Object) bool { return p.Name == o.Name+"_default" })
		if twin < 0 || len(all[twin].Params) > 0 {
			t.Errorf("%s: want a plain view %s_default", o.Name, o.Name)
		}
	}
}

func TestViewsFindWhatTheyRead(t *testing.T) {
	views, err := Views()
	if err != nil {
		t.Fatal(err)
	}
	names := map[string]bool{}
	for _, v := range views {
		names[objectName(v)] = true
	}
	made := map[string]bool{}
	for _, v := range views {
		for _, name := range reads(v) {
			if names[name] && !made[name] && name != objectName(v) {
				t.Errorf("%s is made before %s, which it reads", v.Name, name)
			}
		}
		made[objectName(v)] = true
	}
}

func objectName(v Statement) string {
	return strings.TrimSuffix(strings.TrimPrefix(v.Name, "views/"), ".sql")
}

// restricted is how a view restricts the rows of a table to the projects that the
// caller may read.
var restricted = regexp.MustCompile(`\(SELECT everything FROM touchline\.reader\)\s+OR \w+\.project IN \(SELECT project FROM touchline\.readable\)`)

// unrestricted are the tables that tell nothing of a project's customers, and views
// that only others read, which restrict what they take from them.
var unrestricted = []string{
	"touchline/bi_access", "touchline/schema_migrations",
	"touchline/person_map", "touchline/ledger_marks",
}

// Whoever may ask about one project sees no other, through any view: a view that
// reads a table restricts its rows itself, or is read only by views that do. (The tests
// of access ask every object as such a reader; this one names the view at fault.)
func TestEveryObjectIsRestrictedToProjects(t *testing.T) {
	views, err := Views()
	if err != nil {
		t.Fatal(err)
	}
	byName := map[string]Statement{}
	for _, v := range views {
		byName[objectName(v)] = v
	}
	var leaks func(name string) []string
	leaks = func(name string) []string {
		v, isView := byName[name]
		switch {
		case slices.Contains(unrestricted, name), restricted.MatchString(v.SQL):
			return nil
		case !isView:
			return []string{name}
		}
		var found []string
		for _, source := range reads(v) {
			if source != name {
				found = append(found, leaks(source)...)
			}
		}
		return found
	}
	for _, o := range objects(t) {
		if l := leaks("analytics/" + o.Name); len(l) > 0 {
			t.Errorf("%s: reads rows of every project from %q: want %s", o.Name, l, restricted)
		}
	}
}

// The rights of the caller end at the view.
func TestObjectsRunWithTheRightsOfTheirDefiner(t *testing.T) {
	views, err := Views()
	if err != nil {
		t.Fatal(err)
	}
	for _, v := range views {
		if strings.HasPrefix(v.Name, "views/analytics/") && !strings.Contains(v.SQL, "\nDEFINER = CURRENT_USER SQL SECURITY DEFINER\nAS") {
			t.Errorf("%s: want DEFINER = CURRENT_USER SQL SECURITY DEFINER", v.Name)
		}
	}
}
