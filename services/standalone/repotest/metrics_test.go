package repotest

import (
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

var (
	metricInCode = regexp.MustCompile(`"(touchline_[a-z0-9_]+)"`)
	metricInDocs = regexp.MustCompile("`(touchline_[a-z0-9_]+)`")
)

// TestMetricsAreDocumented compares the metrics that docs/operations.md lists
// with the names in the code.
func TestMetricsAreDocumented(t *testing.T) {
	code := names(metricInCode, goSources(t, "services"))
	docs := names(metricInDocs, read(t, "docs/operations.md"))
	if len(code) == 0 {
		t.Fatal("found no metric in the code")
	}
	for _, name := range code {
		if !slices.Contains(docs, name) {
			t.Errorf("docs/operations.md does not say what %s is", name)
		}
	}
	for _, name := range docs {
		if !slices.Contains(code, name) {
			t.Errorf("docs/operations.md tells about %s, which there is not", name)
		}
	}
}

func names(form *regexp.Regexp, text string) []string {
	var all []string
	for _, m := range form.FindAllStringSubmatch(text, -1) {
		all = append(all, m[1])
	}
	slices.Sort(all)
	return slices.Compact(all)
}

// goSources returns the text of all Go files below dir that are no tests.
func goSources(t *testing.T, dir string) string {
	t.Helper()
	var b strings.Builder
	err := filepath.WalkDir(filepath.Join(root(t), dir), func(path string, _ fs.DirEntry, err error) error {
		if err != nil || !strings.HasSuffix(path, ".go") || strings.HasSuffix(path, "_test.go") {
			return err
		}
		text, err := os.ReadFile(path)
		b.Write(text)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return b.String()
}
