package documents_test

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// document is a file for people, without the part that is generated from the views.
type document struct {
	name, text string
	blocks     []block
	// code is what stands between backquotes in its text.
	code []string
}

// block is what stands between fences.
type block struct{ language, text string }

var (
	fenced = regexp.MustCompile("(?ms)^```([a-z]*)\n(.*?)^```$")
	inline = regexp.MustCompile("`([^`\n]+)`")
)

// generatedBelow is how the line begins below which views are described; what stands
// there is held against the views elsewhere.
const generatedBelow = "<!-- What follows is written by"

func documents(t *testing.T) (all []document) {
	t.Helper()
	var files []string
	for _, pattern := range []string{"*.md", "docs/*.md"} {
		found, err := filepath.Glob(filepath.Join(root, pattern))
		if err != nil {
			t.Fatal(err)
		}
		files = append(files, found...)
	}
	for _, file := range files {
		data, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		text, _, _ := strings.Cut(string(data), generatedBelow)
		d := document{name: filepath.Base(file), text: text}
		for _, m := range fenced.FindAllStringSubmatch(text, -1) {
			d.blocks = append(d.blocks, block{m[1], m[2]})
		}
		for _, m := range inline.FindAllStringSubmatch(fenced.ReplaceAllString(text, ""), -1) {
			d.code = append(d.code, m[1])
		}
		all = append(all, d)
	}
	if len(all) < 8 {
		t.Fatalf("found only %d documents", len(all))
	}
	return all
}

// commands returns the lines of a block of shell, those that end in a backslash put
// together.
func (b block) commands() []string {
	return strings.Split(strings.TrimSpace(strings.ReplaceAll(b.text, "\\\n", " ")), "\n")
}

var (
	// asks is a command that asks for rows, or makes what is asked; its answer may be
	// kept for a further one.
	asks = regexp.MustCompile(`^(?:[a-z]+=\$\()?(?:bin/)?touchline (?:query|funnel) `)
	// unsaid is what a reader has to put something in the place of.
	unsaid = regexp.MustCompile(`\.\.\.|\b[A-Z]{2,}\b`)
)
