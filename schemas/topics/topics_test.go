package topics

import (
	"go/ast"
	"go/parser"
	"go/token"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// group returns the string constants of the const block that holds name.
func group(t *testing.T, name string) []string {
	file, err := parser.ParseFile(token.NewFileSet(), "topics.go", nil, 0)
	if err != nil {
		t.Fatal(err)
	}
	for _, decl := range file.Decls {
		block, ok := decl.(*ast.GenDecl)
		if !ok || block.Tok != token.CONST {
			continue
		}
		var values []string
		found := false
		for _, spec := range block.Specs {
			v := spec.(*ast.ValueSpec)
			found = found || v.Names[0].Name == name
			if literal, ok := v.Values[0].(*ast.BasicLit); ok && literal.Kind == token.STRING {
				text, err := strconv.Unquote(literal.Value)
				if err != nil {
					t.Fatal(err)
				}
				values = append(values, text)
			}
		}
		if found {
			return values
		}
	}
	t.Fatalf("no const block holds %s", name)
	return nil
}

func unique(t *testing.T, what string, values []string) {
	sorted := slices.Sorted(slices.Values(values))
	if len(values) < 5 || len(slices.Compact(sorted)) != len(values) {
		t.Errorf("%s are few or not unique: %v", what, values)
	}
}

func TestNames(t *testing.T) {
	var declared []string
	for _, topic := range All() {
		declared = append(declared, topic.Name)
		if !regexp.MustCompile(`^[a-z]+(\.[a-z]+)*\.v[1-9][0-9]*$`).MatchString(topic.Name) {
			t.Errorf("%s is not lower-case words and a version", topic.Name)
		}
	}
	names := group(t, "Raw")
	unique(t, "topics", declared)
	unique(t, "headers", group(t, "RID"))
	unique(t, "groups", group(t, "GroupEnricher"))
	slices.Sort(names)
	if sorted := slices.Sorted(slices.Values(declared)); !slices.Equal(names, sorted) {
		t.Errorf("All declares %v, the constants name %v", sorted, names)
	}
	for _, g := range group(t, "GroupEnricher") {
		if !strings.HasPrefix(g, "touchline-") {
			t.Errorf("group %s does not start with touchline-", g)
		}
	}
}

func TestShapes(t *testing.T) {
	for _, topic := range All() {
		if topic.Timestamps != LogAppendTime {
			t.Errorf("%s: timestamps are %q", topic.Name, topic.Timestamps)
		}
		if topic.Compacted != (topic.Retention == 0) {
			t.Errorf("%s: want either compaction or a retention", topic.Name)
		}
		if topic.MaxRecordBytes != MaxRecordBytes {
			t.Errorf("%s: batches of %d bytes, want %d", topic.Name, topic.MaxRecordBytes, MaxRecordBytes)
		}
		if (topic.Name == Raw || topic.Name == Enriched) && topic.Retention < MinRetention {
			t.Errorf("%s: retention %v is shorter than %v", topic.Name, topic.Retention, MinRetention)
		}
	}
	if MinRetention <= DedupWindow+DedupMargin || DedupMargin <= 0 || LongestOutage <= 0 {
		t.Errorf("retention %v leaves no room for margin and outage", MinRetention)
	}
	for _, consumers := range []int{1, 2, 3, 4, 6, 12} {
		if DefaultPartitions%consumers != 0 {
			t.Errorf("%d partitions do not divide among %d consumers", DefaultPartitions, consumers)
		}
	}
}
