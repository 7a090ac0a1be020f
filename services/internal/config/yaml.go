package config

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"reflect"
	"strconv"
	"unicode/utf8"

	"github.com/goccy/go-yaml"
	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/lexer"
	"github.com/goccy/go-yaml/parser"
	"github.com/goccy/go-yaml/token"
)

// maxFileBytes bounds a configuration file: a project takes about 200 bytes,
// so this is tens of thousands of projects.
const maxFileBytes = 8 << 20

// The parser recurses, so nesting is bounded before it runs. Our own structs
// are a handful deep. Each level of a block takes at least one column.
const (
	maxFlowDepth   = 64
	maxBlockColumn = 512
)

// Decode reads one YAML document into v, a pointer to a struct tagged as for
// Load, and validates it. name stands for the file in messages. All problems
// are returned together as [Problems], with paths and lines; v is then partly
// filled. Keys that the document does not give keep their value.
func Decode(name string, data []byte, v any) error {
	var problems Problems
	s := &schema{root: reflect.ValueOf(v).Elem()}
	mustBeReadable(s.root.Type(), "")
	from := newSources()
	s.decode(name, data, from, &problems)
	s.validate(from, &problems)
	return problems.Err()
}

func (s *schema) applyFile(file string, from *sources, problems *Problems) {
	f, err := os.Open(file)
	if err != nil {
		problems.add("", "", "read configuration file: %v", err)
		return
	}
	defer f.Close()
	data, err := io.ReadAll(io.LimitReader(f, maxFileBytes+1))
	if err != nil {
		problems.add("", "", "read configuration file: %v", err)
		return
	}
	s.decode(file, data, from, problems)
}

func (s *schema) decode(name string, data []byte, from *sources, problems *Problems) {
	d := &decoder{file: name, from: from, problems: problems}
	tokens, err := tokenize(data)
	if err != nil {
		problems.add(name, "", "%v", err)
		return
	}
	// Duplicate keys are allowed here because the parser would stop at the
	// first; the decoder reports them with all else.
	file, err := parser.Parse(tokens, 0, parser.AllowDuplicateMapKey())
	if err != nil {
		d.syntax(err)
		return
	}
	var docs []ast.Node
	for _, doc := range file.Docs {
		if doc.Body != nil {
			docs = append(docs, doc.Body)
		}
	}
	switch {
	case len(docs) > 1:
		d.addf(docs[1], "", "want one document, found another")
	case len(docs) == 1:
		d.value(docs[0], s.root, "")
	}
}

// tokenize rejects what the parser should not see.
func tokenize(data []byte) (token.Tokens, error) {
	if len(data) > maxFileBytes {
		return nil, fmt.Errorf("larger than %v", Bytes(maxFileBytes))
	}
	if !utf8.Valid(data) || bytes.IndexByte(data, 0) >= 0 {
		return nil, errors.New("not UTF-8 text")
	}
	tokens := lexer.Tokenize(string(data))
	depth := 0
	for _, t := range tokens {
		switch t.Type {
		case token.SequenceStartType, token.MappingStartType:
			depth++
		case token.SequenceEndType, token.MappingEndType:
			depth--
		case token.SequenceEntryType, token.MappingKeyType, token.MappingValueType:
			if depth == 0 && t.Position.Column > maxBlockColumn {
				depth = maxFlowDepth + 1
			}
		}
		if depth > maxFlowDepth {
			return nil, fmt.Errorf("line %d is nested too deeply", t.Position.Line)
		}
	}
	return tokens, nil
}

// decoder sets struct fields from YAML nodes and notes where each came from.
type decoder struct {
	file     string
	from     *sources
	problems *Problems
}

func (d *decoder) at(n ast.Node) string {
	return d.file + ":" + strconv.Itoa(n.GetToken().Position.Line)
}

// addf reports the node and marks its path as given but unreadable.
func (d *decoder) addf(n ast.Node, path, format string, args ...any) {
	d.problems.add(d.at(n), path, format, args...)
	if path != "" {
		d.from.bad = append(d.from.bad, path)
	}
}

// syntax reports a parser error by its message and line; its Error method
// would add an excerpt of the file, which may show a secret.
func (d *decoder) syntax(err error) {
	at, message := d.file, "not valid YAML"
	if detail, ok := errors.AsType[yaml.Error](err); ok {
		if t := detail.GetToken(); t != nil && t.Position != nil {
			at += ":" + strconv.Itoa(t.Position.Line)
		}
		message += ": " + detail.GetMessage()
	}
	d.problems.add(at, "", "%s", message)
}

func (d *decoder) value(n ast.Node, v reflect.Value, path string) {
	t := v.Type()
	switch n.(type) {
	case *ast.AnchorNode, *ast.AliasNode, *ast.TagNode, *ast.MergeKeyNode:
		d.addf(n, path, "anchors, aliases and tags are not supported")
		return
	}
	switch {
	case isScalar(t):
		d.scalar(n, v, path)
	case t.Kind() == reflect.Slice:
		d.list(n, v, path)
	case t.Kind() == reflect.Map:
		d.mapping(n, path, func(name string, item *ast.MappingValueNode, at string) {
			element := reflect.New(t.Elem()).Elem()
			d.value(item.Value, element, at)
			if v.IsNil() {
				v.Set(reflect.MakeMap(t))
			}
			v.SetMapIndex(reflect.ValueOf(name).Convert(t.Key()), element)
		})
	default:
		d.structure(n, v, path)
	}
}

func (d *decoder) scalar(n ast.Node, v reflect.Value, path string) {
	var text string
	switch n := n.(type) {
	case *ast.StringNode:
		text = n.Value
	case *ast.LiteralNode:
		text = n.Value.Value
	case *ast.BoolNode, *ast.IntegerNode, *ast.FloatNode, *ast.InfinityNode, *ast.NanNode:
		text = n.GetToken().Value
	default:
		d.addf(n, path, "want %s, got %s", kindName(v.Type()), nodeName(n))
		return
	}
	if err := parseScalar(text, v); err != nil {
		d.addf(n, path, "%v", err)
	}
}

// list replaces the whole list: elements of a default are not merged.
func (d *decoder) list(n ast.Node, v reflect.Value, path string) {
	seq, ok := n.(*ast.SequenceNode)
	if !ok {
		d.addf(n, path, "want a list, got %s", nodeName(n))
		return
	}
	list := reflect.MakeSlice(v.Type(), len(seq.Values), len(seq.Values))
	for i, item := range seq.Values {
		at := path + "[" + strconv.Itoa(i) + "]"
		d.from.set[at] = d.at(item)
		d.value(item, list.Index(i), at)
	}
	v.Set(list)
}

func (d *decoder) structure(n ast.Node, v reflect.Value, path string) {
	known := fields(v.Type())
	given := map[string]bool{} // secrets, by their own name
	d.mapping(n, path, func(name string, item *ast.MappingValueNode, at string) {
		for _, f := range known {
			value := v.FieldByIndex(f.index)
			secret := value.Type() == secretType
			if name != f.name && !(secret && name == f.name+fileSuffix) {
				continue
			}
			if secret && given[f.name] {
				d.addf(item.Key, at, "both %s and %s are given", f.name, f.name+fileSuffix)
				return
			}
			given[f.name] = true
			if name == f.name {
				d.value(item.Value, value, at)
			} else {
				d.secretFile(item.Value, value, at, join(path, f.name))
			}
			return
		}
		var names []string
		for _, f := range known {
			names = append(names, f.name)
		}
		d.problems.add(d.at(item.Key), at, "unknown key%s", didYouMean(name, "", names))
	})
}

// secretFile reads the file named at path into the secret of the key path.
func (d *decoder) secretFile(n ast.Node, v reflect.Value, path, secret string) {
	var file string
	d.scalar(n, reflect.ValueOf(&file).Elem(), path)
	if d.from.isBad(path) {
		d.from.bad = append(d.from.bad, secret)
		return
	}
	k := key{path: secret, value: v}
	if err := k.setFromFile(file); err != nil {
		d.addf(n, path, "%v", err)
		d.from.bad = append(d.from.bad, secret)
		return
	}
	d.from.set[secret] = d.from.set[path]
}

// mapping calls visit for each entry. An empty node is an empty mapping, so
// that a section whose keys are all commented out is valid.
func (d *decoder) mapping(n ast.Node, path string, visit func(name string, item *ast.MappingValueNode, at string)) {
	if _, ok := n.(*ast.NullNode); ok {
		return
	}
	m, ok := n.(ast.MapNode)
	if !ok {
		d.addf(n, path, "want a mapping, got %s", nodeName(n))
		return
	}
	lines := map[string]int{}
	for it := m.MapRange(); it.Next(); {
		item := it.KeyValue()
		var name string
		switch key := item.Key.(type) {
		case *ast.StringNode:
			name = key.Value
		case *ast.IntegerNode, *ast.BoolNode, *ast.FloatNode, *ast.NullNode:
			name = key.GetToken().Value
		default:
			d.problems.add(d.at(item.Key), path, "want a plain key")
			continue
		}
		at, line := join(path, printable(name)), item.Key.GetToken().Position.Line
		if first, ok := lines[name]; ok {
			d.problems.add(d.at(item.Key), at, "already given on line %d", first)
			continue
		}
		lines[name] = line
		d.from.set[at] = d.at(item.Key)
		visit(name, item, at)
	}
}

// printable shortens a name, and quotes one that would garble a message.
func printable(name string) string {
	name = clip(name)
	if quoted := strconv.Quote(name); quoted != `"`+name+`"` || name == "" {
		return quoted
	}
	return name
}

// clip bounds what a message repeats of its cause.
func clip(text string) string {
	const longest = 60
	if len(text) > longest {
		return text[:longest] + "..."
	}
	return text
}

func nodeName(n ast.Node) string {
	switch n.(type) {
	case *ast.NullNode:
		return "nothing"
	case *ast.SequenceNode:
		return "a list"
	case ast.MapNode:
		return "a mapping"
	case *ast.AnchorNode, *ast.AliasNode, *ast.TagNode:
		return "an anchor, alias or tag"
	default:
		return "a single value"
	}
}
