package standalone

import (
	"os"
	"path/filepath"
	"regexp"
	"testing"
)

// The documents name files; a file that was moved must be named anew.
func TestDocuments_nameFilesThatExist(t *testing.T) {
	const root = "../.."
	docs, err := filepath.Glob(root + "/*.md")
	if err != nil {
		t.Fatal(err)
	}
	more, err := filepath.Glob(root + "/docs/*.md")
	if err != nil {
		t.Fatal(err)
	}
	path := regexp.MustCompile("`((?:services|schemas|scripts|deploy|docs|\\.ci)/[A-Za-z0-9_./-]+)`")
	named := 0
	for _, doc := range append(docs, more...) {
		text, err := os.ReadFile(doc)
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range path.FindAllSubmatch(text, -1) {
			named++
			if _, err := os.Stat(filepath.Join(root, string(m[1]))); err != nil {
				t.Errorf("%s names %s, which does not exist", filepath.Base(doc), m[1])
			}
		}
	}
	if named < 20 {
		t.Errorf("found %d paths in the documents: the pattern finds nothing", named)
	}
}
