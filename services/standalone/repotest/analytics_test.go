package repotest

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	schema "touchline.dev/schemas/clickhouse"
)

// generatedBelow is the line of docs/analytics.md after which all is generated.
const generatedBelow = "<!-- What follows is written by \"make generate\" from the heads of the files in schemas/clickhouse/views/analytics. -->\n"

// TestAnalyticsReference fails when docs/analytics.md does not describe the views as
// they are; with -update it writes that part of the file.
func TestAnalyticsReference(t *testing.T) {
	objects, err := schema.Objects()
	if err != nil {
		t.Fatal(err)
	}
	text := read(t, "docs/analytics.md")
	written, _, found := strings.Cut(text, generatedBelow)
	if !found {
		t.Fatalf("docs/analytics.md lacks the line %s", generatedBelow)
	}
	want := written + generatedBelow + reference(objects)
	if *update {
		if err := os.WriteFile(filepath.Join(root(t), "docs", "analytics.md"), []byte(want), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	if text != want {
		t.Error("docs/analytics.md does not describe the views as they are; run: make generate")
	}
}

// reference has a table of what there is, and a section for each view. A plain view
// beside one with parameters has that one's columns.
func reference(objects []schema.Object) string {
	byName := map[string]schema.Object{}
	for _, o := range objects {
		byName[o.Name] = o
	}
	var b strings.Builder
	b.WriteString("\n| view | |\n|---|---|\n")
	for _, o := range objects {
		fmt.Fprintf(&b, "| [%s](#%[1]s) | %s |\n", o.Name, o.Summary)
	}
	for _, o := range objects {
		fmt.Fprintf(&b, "\n### %s\n\n%s.\n\n```sql\n%s\n```\n", o.Name, o.Summary, call(o))
		if len(o.Params) > 0 {
			b.WriteString("\n| parameter | type | |\n|---|---|---|\n")
			for _, p := range o.Params {
				fmt.Fprintf(&b, "| `%s` | %s | %s |\n", p.Name, p.Type, p.Description)
			}
		}
		if with, ok := byName[strings.TrimSuffix(o.Name, "_default")]; ok && with.Name != o.Name && slices.EqualFunc(with.Columns, o.Columns, sameColumn) {
			fmt.Fprintf(&b, "\nColumns: those of [%s](#%[1]s).\n", with.Name)
			continue
		}
		b.WriteString("\n| column | type | |\n|---|---|---|\n")
		for _, c := range o.Columns {
			fmt.Fprintf(&b, "| `%s` | %s | %s |\n", c.Name, c.Type, c.Description)
		}
	}
	return b.String()
}

func sameColumn(a, b schema.ViewColumn) bool { return a.Name == b.Name && a.Type == b.Type }

// call is Object.Call with a line for each parameter.
func call(o schema.Object) string {
	if len(o.Params) == 0 {
		return "SELECT * FROM " + o.FullName() + " LIMIT 100"
	}
	lines := make([]string, len(o.Params))
	for i, p := range o.Params {
		lines[i] = "    " + p.Name + " = " + p.Example
	}
	return "SELECT * FROM " + o.FullName() + "(\n" + strings.Join(lines, ",\n") + ")"
}
