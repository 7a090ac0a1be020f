package laws

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"touchline.dev/services/internal/analytics/oracle"
)

// Each object is held against the reference by one package of tests, or is the plain
// twin of one that is, or shows stored rows. What the packages ask, in which modes,
// Golden and Streams check; here is checked that they call both.
func TestEveryObjectIsHeldAgainstTheReference(t *testing.T) {
	held := map[string]string{}
	for family, names := range oracle.Families() {
		for _, name := range names {
			if held[name] != "" {
				t.Errorf("%s belongs to %s and to %s", name, held[name], family)
			}
			held[name] = family
		}
		folder := filepath.Join("..", family)
		if family == "definition" {
			folder = filepath.Join("..", "..", family)
		}
		code := testCode(t, folder)
		for _, call := range []string{"oracle.Golden(", "oracle.Streams("} {
			if !strings.Contains(code, call) {
				t.Errorf("%s: no test calls %s...)", folder, call)
			}
		}
	}
	for _, name := range oracle.Stored() {
		held[name] = "tables"
	}
	var known []string
	for _, o := range objects(t) {
		known = append(known, o.Name)
		name, twin := strings.CutSuffix(o.Name, "_default")
		if held[name] == "" || twin && held[name] == "tables" {
			t.Errorf("%s: say in families.go which package holds it against the reference", o.Name)
		}
	}
	for name, family := range held {
		if family != "definition" && !slices.Contains(known, name) {
			t.Errorf("%s: %s is no object", family, name)
		}
	}
}

// testCode returns the tests of a folder.
func testCode(t *testing.T, folder string) string {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(folder, "*_test.go"))
	if err != nil || len(files) == 0 {
		t.Fatalf("found no tests in %s: %v", folder, err)
	}
	var all strings.Builder
	for _, file := range files {
		code, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		all.Write(code)
	}
	return all.String()
}
