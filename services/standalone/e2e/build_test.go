package e2e_test

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// newerEnricher builds the enricher once more with a higher version of its rules,
// which its rows show.
func newerEnricher(t *testing.T, s *site) (path string) {
	t.Helper()
	path = s.path("newer-enricher")
	build(t, s.dir, []edit{{
		file: "services/enricher/internal/enrichment/enrichment.go",
		find: "const Version uint32 = ", put: "const Version uint32 = 1 + ",
	}}, path, "touchline.dev/services/enricher/cmd/enricher")
	return path
}

// edit is a change of the source that is not made in place: put instead of find,
// or a new file where find is empty.
type edit struct{ file, find, put string }

// root is the directory that files of edits are relative to.
const root = "../../.."

// changed returns the content of the files that edits change, by absolute path.
// Each text must stand in its file exactly once.
func changed(t *testing.T, edits []edit) map[string]string {
	t.Helper()
	contents := map[string]string{}
	for _, e := range edits {
		path, err := filepath.Abs(filepath.Join(root, filepath.FromSlash(e.file)))
		if err != nil {
			t.Fatal(err)
		}
		content, ok := contents[path]
		if e.find == "" {
			if _, err := os.Stat(path); err == nil || ok {
				t.Fatalf("%s is to be a new file, and exists", e.file)
			}
			contents[path] = e.put
			continue
		}
		if !ok {
			data, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			content = string(data)
		}
		if n := strings.Count(content, e.find); n != 1 {
			t.Fatalf("%s has %d times what is to be replaced, want once:\n%s", e.file, n, e.find)
		}
		contents[path] = strings.Replace(content, e.find, e.put, 1)
	}
	return contents
}

// build builds programs into out with edits. Its own files go into dir.
func build(t *testing.T, dir string, edits []edit, out string, programs ...string) {
	t.Helper()
	overlay := struct{ Replace map[string]string }{map[string]string{}}
	for path, content := range changed(t, edits) {
		replacement := filepath.Join(dir, fmt.Sprintf("overlay-%d-%s", len(overlay.Replace), filepath.Base(path)))
		if err := os.WriteFile(replacement, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
		overlay.Replace[path] = replacement
	}
	file := filepath.Join(dir, "overlay.json")
	if err := os.WriteFile(file, encode(overlay), 0o600); err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), "go", append([]string{"build", "-overlay", file, "-o", out}, programs...)...)
	cmd.Dir = root
	if output, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("build with edits: %v\n%s", err, output)
	}
}
