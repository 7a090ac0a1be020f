package config

import (
	"fmt"
	"reflect"
	"strconv"
	"strings"
)

// Reference returns a Markdown table of all keys of cfg, which holds the
// defaults: key, type, default, variable and documentation. The flag follows
// from the key by the rule in the package documentation.
func Reference(service string, cfg any) string {
	s := newSchema(service, cfg)
	var b strings.Builder
	b.WriteString("| Key | Type | Default | Variable | Meaning |\n|---|---|---|---|---|\n")
	for _, k := range s.keys {
		variable := "(file only)"
		if k.settable() {
			variable = "`" + s.env(k.path) + "`"
		}
		if k.secret() {
			variable += ", `" + s.env(k.path+fileSuffix) + "`"
		}
		value := ""
		if text := k.text(); text != "" {
			value = "`" + text + "`"
		}
		fmt.Fprintf(&b, "| `%s` | %s | %s | %s | %s |\n", k.path, typeName(k.value.Type()),
			cell(value), variable, cell(k.doc))
	}
	return b.String()
}

func cell(text string) string {
	return strings.NewReplacer("|", `\|`, "\n", " ").Replace(text)
}

// typeName is kindName without its article and range.
func typeName(t reflect.Type) string {
	if t.Kind() == reflect.Slice && !isLeaf(t) {
		return "list of " + typeName(t.Elem())
	}
	name := strings.TrimPrefix(kindName(t), "a ")
	name, _, _ = strings.Cut(name, " from ")
	return name
}

// text returns the value as a variable or flag would give it.
func (k *key) text() string {
	switch {
	case isScalar(k.value.Type()):
		return formatScalar(k.value)
	case isList(k.value.Type()):
		parts := make([]string, k.value.Len())
		for i := range parts {
			parts[i] = formatScalar(k.value.Index(i))
		}
		return strings.Join(parts, ",")
	default:
		return ""
	}
}

func (s *schema) help() string {
	var b strings.Builder
	fmt.Fprintf(&b, "Usage: %s [flags]\n\n", s.service)
	fmt.Fprintf(&b, "Settings come from defaults, a YAML file, the environment and flags; the later wins.\n\n")
	entry := func(name, doc string) { fmt.Fprintf(&b, "  %s\n        %s\n", name, doc) }
	entry("--config FILE", "Read settings from this YAML file. ("+s.env("config")+")")
	entry("--check-config", "Check the configuration and exit: 0 if it is valid, 2 if not.")
	entry("--print-config", "Print the effective configuration, secrets redacted, and exit.")
	entry("--version", "Print the version and exit.")
	entry("--help", "Print this text and exit.")
	b.WriteByte('\n')
	for _, k := range s.keys {
		if !k.settable() {
			entry(k.path+" (file only)", k.doc)
			continue
		}
		name, variables := flag(k.path)+" "+strings.ToUpper(typeName(k.value.Type())), s.env(k.path)
		switch {
		case k.value.Kind() == reflect.Bool:
			name = flag(k.path)
		case k.secret():
			name, variables = flag(k.path+fileSuffix)+" FILE", variables+", "+s.env(k.path+fileSuffix)
		}
		doc := k.doc
		if value := k.text(); value != "" {
			doc += " (default " + value + ")"
		}
		entry(name, doc+" ("+variables+")")
	}
	return b.String()
}

// dump returns the effective configuration as YAML that Load accepts again,
// except for redacted secrets, with the source of each value that is not a
// default.
func (s *schema) dump(from *sources) string {
	var b strings.Builder
	dumpStruct(&b, s.root, "", "", from)
	return b.String()
}

func dumpStruct(b *strings.Builder, v reflect.Value, path, indent string, from *sources) {
	for _, f := range fields(v.Type()) {
		value, at := v.FieldByIndex(f.index), join(path, f.name)
		b.WriteString(indent + f.name + ":")
		if value.Kind() == reflect.Struct && !isLeaf(value.Type()) {
			b.WriteByte('\n')
			dumpStruct(b, value, at, indent+"  ", from)
			continue
		}
		b.WriteByte(' ')
		dumpFlow(b, value)
		if source := from.set[at]; source != "" {
			b.WriteString(" # " + printable(source))
		}
		b.WriteByte('\n')
	}
}

// dumpFlow writes a value in one line.
func dumpFlow(b *strings.Builder, v reflect.Value) {
	t := v.Type()
	switch {
	case isScalar(t):
		switch {
		case !isLeaf(t) && t.Kind() != reflect.String:
			b.WriteString(formatScalar(v))
		default:
			b.WriteString(quote(formatScalar(v)))
		}
	case t.Kind() == reflect.Slice:
		b.WriteByte('[')
		for i := range v.Len() {
			if i > 0 {
				b.WriteString(", ")
			}
			dumpFlow(b, v.Index(i))
		}
		b.WriteByte(']')
	case t.Kind() == reflect.Map:
		b.WriteByte('{')
		for i, k := range sortedKeys(v) {
			if i > 0 {
				b.WriteString(", ")
			}
			b.WriteString(quote(k.String()) + ": ")
			dumpFlow(b, v.MapIndex(k))
		}
		b.WriteByte('}')
	default:
		b.WriteByte('{')
		for i, f := range fields(t) {
			if i > 0 {
				b.WriteString(", ")
			}
			b.WriteString(f.name + ": ")
			dumpFlow(b, v.FieldByIndex(f.index))
		}
		b.WriteByte('}')
	}
}

// quote returns text as a double-quoted YAML scalar; strconv's escapes are a
// subset of YAML's.
func quote(text string) string { return strconv.Quote(text) }
