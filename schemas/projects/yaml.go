package projects

import (
	"bytes"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/goccy/go-yaml"
	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/parser"
)

// MaxFileBytes bounds the file: a project takes about 200 bytes, so this is tens
// of thousands of projects.
const MaxFileBytes = 8 << 20

const (
	// maxNesting bounds the nesting before the parser, which recurses, sees it.
	// The file itself nests five deep.
	maxNesting = 64
	// maxOpen bounds the brackets that are open at a time. It is generous
	// because brackets inside texts are counted too.
	maxOpen = 1000
)

// reader walks the syntax tree of a file and notes what is wrong with it.
type reader struct{ problems Problems }

func (r *reader) addf(n ast.Node, path, format string, args ...any) {
	p := Problem{Path: path, Message: fmt.Sprintf(format, args...)}
	if n != nil && n.GetToken() != nil && n.GetToken().Position != nil {
		p.Line = n.GetToken().Position.Line
	}
	r.problems = append(r.problems, p)
}

// document returns the only document's body, or nil after noting why not.
func (r *reader) document(data []byte) ast.Node {
	if line, message := refuse(data); message != "" {
		r.problems = append(r.problems, Problem{Line: line, Message: message})
		return nil
	}
	// The parser would stop at the first duplicate key; mapping reports them
	// with all else.
	file, err := parser.ParseBytes(data, 0, parser.AllowDuplicateMapKey())
	if err != nil {
		// The error's own text quotes the file, which may show a write key.
		p := Problem{Message: "not valid YAML"}
		if detail, ok := errors.AsType[yaml.Error](err); ok {
			if token := detail.GetToken(); token != nil && token.Position != nil {
				p.Line = token.Position.Line
			}
		}
		r.problems = append(r.problems, p)
		return nil
	}
	var body ast.Node
	for _, doc := range file.Docs {
		switch {
		case doc.Body == nil:
		case body != nil:
			r.addf(doc.Body, "", "want one document, found another")
		default:
			body = doc.Body
		}
	}
	return body
}

// refuse rejects what the parser should not see.
func refuse(data []byte) (line int, message string) {
	if len(data) > MaxFileBytes {
		return 0, fmt.Sprintf("larger than %d bytes", MaxFileBytes)
	}
	open := 0
	for text := range bytes.Lines(data) {
		line++
		if !utf8.Valid(text) || bytes.IndexByte(text, 0) >= 0 {
			return line, "not UTF-8 text"
		}
		indent := len(text) - len(bytes.TrimLeft(text, " -?"))
		for _, c := range text {
			switch c {
			case '[', '{':
				open++
			case ']', '}':
				open = max(open-1, 0)
			}
		}
		if indent > 4*maxNesting || open > maxOpen {
			return line, "nested too deeply"
		}
	}
	return 0, ""
}

// entry is one key of a mapping with its value.
type entry struct {
	name  string
	path  string
	value ast.Node
}

// mapping returns the entries of n by name, without unknown and duplicate keys,
// which are noted. The names of unknown keys are quoted unless hide is set: a
// write key may have slipped into the place of a name.
func (r *reader) mapping(n ast.Node, path string, hide bool, known ...string) map[string]entry {
	m, ok := n.(ast.MapNode)
	if !ok {
		r.addf(n, path, "want a mapping, got %s", describe(n))
		return nil
	}
	entries := map[string]entry{}
	lines := map[string]int{}
	for it := m.MapRange(); it.Next(); {
		item := it.KeyValue()
		key, ok := item.Key.(*ast.StringNode)
		switch {
		case !ok:
			r.addf(item.Key, path, "want a plain key, one of %s", strings.Join(known, ", "))
			continue
		case !slices.Contains(known, key.Value) && hide:
			r.addf(key, path, "unknown key, want one of %s", strings.Join(known, ", "))
			continue
		case !slices.Contains(known, key.Value):
			r.addf(key, path, "unknown key %s, want one of %s", quote(key.Value), strings.Join(known, ", "))
			continue
		}
		e := entry{name: key.Value, path: join(path, key.Value), value: item.Value}
		if first, ok := lines[e.name]; ok {
			r.addf(key, e.path, "already given on line %d", first)
			continue
		}
		lines[e.name], entries[e.name] = key.GetToken().Position.Line, e
	}
	return entries
}

// list returns the values of a list that must hold something.
func (r *reader) list(n ast.Node, path string) []ast.Node {
	seq, ok := n.(*ast.SequenceNode)
	if !ok {
		r.addf(n, path, "want a list, got %s", describe(n))
		return nil
	}
	if len(seq.Values) == 0 {
		r.addf(n, path, "is empty")
	}
	return seq.Values
}

// text returns a single value as it was written, and whether it is one. Numbers
// and booleans count: the write key 0123 is the text 0123.
func (r *reader) text(n ast.Node, path string) (string, bool) {
	switch n := n.(type) {
	case *ast.StringNode:
		return n.Value, true
	case *ast.LiteralNode:
		return n.Value.Value, true
	case *ast.BoolNode, *ast.IntegerNode, *ast.FloatNode, *ast.InfinityNode, *ast.NanNode:
		return n.GetToken().Value, true
	}
	r.addf(n, path, "want a single value, got %s", describe(n))
	return "", false
}

func describe(n ast.Node) string {
	switch n.(type) {
	case *ast.NullNode:
		return "nothing"
	case *ast.SequenceNode:
		return "a list"
	case ast.MapNode:
		return "a mapping"
	case *ast.AnchorNode, *ast.AliasNode, *ast.TagNode, *ast.MergeKeyNode:
		return "an anchor, alias or tag, which are not supported"
	default:
		return "a single value"
	}
}

// quote returns s fit for a message: quoted and not too long.
func quote(s string) string {
	const longest = 60
	if len(s) > longest {
		s = s[:longest] + "..."
	}
	return strconv.Quote(s)
}

func join(path, name string) string {
	if path == "" {
		return name
	}
	return path + "." + name
}

func index(path string, i int) string { return path + "[" + strconv.Itoa(i) + "]" }
