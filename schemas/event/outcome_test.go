package event_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"regexp"
	"slices"
	"strconv"
	"testing"

	"touchline.dev/schemas/event"
)

// constants returns the values of the package's constants of a type.
func constants(t *testing.T, typeName string) []string {
	file, err := parser.ParseFile(token.NewFileSet(), "outcome.go", nil, 0)
	if err != nil {
		t.Fatal(err)
	}
	var values []string
	ast.Inspect(file, func(n ast.Node) bool {
		spec, ok := n.(*ast.ValueSpec)
		if !ok {
			return true
		}
		if name, ok := spec.Type.(*ast.Ident); !ok || name.Name != typeName {
			return true
		}
		for _, value := range spec.Values {
			text, err := strconv.Unquote(value.(*ast.BasicLit).Value)
			if err != nil {
				t.Fatal(err)
			}
			values = append(values, text)
		}
		return true
	})
	return values
}

// TestListsAreComplete: a constant that its list lacks would be a label value
// and an HTTP detail that nobody declared.
func TestListsAreComplete(t *testing.T) {
	var outcomes, reasons []string
	for _, o := range event.Outcomes() {
		outcomes = append(outcomes, string(o))
	}
	for _, r := range slices.Concat(event.RequestReasons(), event.EventReasons(), event.DropReasons()) {
		reasons = append(reasons, string(r))
	}
	safe := regexp.MustCompile(`^[a-z][a-z0-9_]*$`)
	for _, tt := range []struct {
		typeName string
		listed   []string
	}{{"Outcome", outcomes}, {"Reason", reasons}} {
		declared := constants(t, tt.typeName)
		if len(declared) < 5 {
			t.Fatalf("found %d constants of type %s", len(declared), tt.typeName)
		}
		for _, value := range slices.Concat(declared, tt.listed) {
			if !slices.Contains(tt.listed, value) || !slices.Contains(declared, value) {
				t.Errorf("%s %q is not both declared and listed", tt.typeName, value)
			}
			if !safe.MatchString(value) {
				t.Errorf("%s %q is not fit as a label: want %v", tt.typeName, value, safe)
			}
		}
		slices.Sort(tt.listed)
		if n := len(slices.Compact(slices.Clone(tt.listed))); n != len(tt.listed) {
			t.Errorf("%s: a value is listed twice in %v", tt.typeName, tt.listed)
		}
	}
}
