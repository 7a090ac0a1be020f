package tables

import (
	"fmt"
	"regexp"
	"strings"
	"testing"

	schema "touchline.dev/schemas/clickhouse"
	"touchline.dev/services/internal/analytics/oracle"
)

// lowCardinality is how ClickHouse may send a text: every driver reads it as one.
var lowCardinality = regexp.MustCompile(`LowCardinality\(String\)`)

// Every object can be called as its description says, and gives the columns that it
// says: the catalog, the comments and what is generated for BI tools are made from
// it, and schema browsers show no columns of a view with parameters.
func TestObjectsAreAsDescribed(t *testing.T) {
	w := oracle.New(t)
	objects, err := schema.Objects()
	if err != nil {
		t.Fatal(err)
	}
	for _, o := range objects {
		var described []string
		for _, c := range o.Columns {
			described = append(described, c.Name+" "+c.Type)
		}
		var actual []string
		err := scan(t, w.BI, "DESCRIBE (SELECT * FROM "+o.Call()+")", func(scan func(...any) error) error {
			var name, kind string
			var rest [5]string
			err := scan(&name, &kind, &rest[0], &rest[1], &rest[2], &rest[3], &rest[4])
			actual = append(actual, name+" "+lowCardinality.ReplaceAllString(kind, "String"))
			return err
		})
		if err != nil {
			t.Errorf("%s: %v", o.Name, err)
			continue
		}
		if have, want := strings.Join(actual, "\n"), strings.Join(described, "\n"); have != want {
			t.Errorf("%s gives\n%s\nand says that it gives\n%s", o.Name, have, want)
		}
		if err := scan(t, w.BI, "SELECT * FROM "+o.Call(), func(func(...any) error) error { return nil }); err != nil {
			t.Errorf("%s: %v", o.Name, err)
		}
	}
}

// The comment of a view and the catalog tell whoever looks how to call it.
func TestObjectsTellHowToCallThem(t *testing.T) {
	w := oracle.New(t)
	objects, err := schema.Objects()
	if err != nil {
		t.Fatal(err)
	}
	for _, o := range objects {
		var comment string
		var parts uint64
		sql := fmt.Sprintf("SELECT any(comment), (SELECT count() FROM analytics.catalog WHERE view = '%[1]s') FROM system.tables WHERE database = 'analytics' AND name = '%[1]s'", o.Name)
		if err := w.BI.QueryRow(t.Context(), sql).Scan(&comment, &parts); err != nil {
			t.Fatal(err)
		}
		if !strings.HasPrefix(comment, o.Summary) || len(o.Params) > 0 && !strings.Contains(comment, o.Call()) {
			t.Errorf("%s: comment is %q", o.Name, comment)
		}
		if want := uint64(len(o.Params) + len(o.Columns)); parts != want {
			t.Errorf("%s: the catalog has %d rows, want %d", o.Name, parts, want)
		}
	}
}
