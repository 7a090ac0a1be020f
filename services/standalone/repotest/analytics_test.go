package repotest

import (
	"fmt"
	"os"
	"path/filepath"
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

func reference(objects []schema.Object) string {
	var b strings.Builder
	for _, o := range objects {
		fmt.Fprintf(&b, "\n### %s\n\n%s.\n\n```sql\n%s\n```\n", o.Name, o.Summary, call(o))
		if len(o.Params) > 0 {
			b.WriteString("\n| parameter | type | |\n|---|---|---|\n")
			for _, p := range o.Params {
				fmt.Fprintf(&b, "| `%s` | %s | %s |\n", p.Name, p.Type, p.Description)
			}
		}
		b.WriteString("\n| column | type | |\n|---|---|---|\n")
		for _, c := range o.Columns {
			fmt.Fprintf(&b, "| `%s` | %s | %s |\n", c.Name, c.Type, c.Description)
		}
	}
	return b.String()
}

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
