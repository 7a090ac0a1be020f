package config

import (
	"encoding"
	"fmt"
	"reflect"
	"regexp"
	"strings"
	"time"
)

// fileSuffix turns the name of a secret into the name of the key that holds
// the path of a file with it: password, password_file.
const fileSuffix = "_file"

// schema is the list of keys of one configuration struct.
type schema struct {
	service string
	root    reflect.Value // the struct, settable if Load was given a pointer
	keys    []*key        // in field order
}

// key is one leaf of the struct.
type key struct {
	path  string
	doc   string
	value reflect.Value
}

var (
	durationType = reflect.TypeFor[time.Duration]()
	secretType   = reflect.TypeFor[Secret]()
	textType     = reflect.TypeFor[encoding.TextUnmarshaler]()
	nameForm     = regexp.MustCompile(`^[a-z][a-z0-9]*(_[a-z0-9]+)*$`)
)

// reserved are the flags of the loader itself.
var reserved = []string{"config", "help", "version", "check_config", "print_config"}

// newSchema reads the tags of cfg and panics if they are unusable: that is a
// mistake in the program, not in its configuration.
func newSchema(service string, cfg any) *schema {
	s := &schema{service: service, root: reflect.Indirect(reflect.ValueOf(cfg))}
	if s.root.Kind() != reflect.Struct {
		panic(fmt.Sprintf("config: %T is not a struct", cfg))
	}
	mustBeReadable(s.root.Type(), "")
	s.collect(s.root, "")
	names := map[string]string{}
	for _, path := range reserved {
		names[s.env(path)] = path
	}
	for _, k := range s.keys {
		for _, path := range k.names() {
			if other, taken := names[s.env(path)]; taken {
				panic(fmt.Sprintf("config: keys %s and %s share the variable %s", other, path, s.env(path)))
			}
			names[s.env(path)] = path
		}
	}
	return s
}

func (s *schema) collect(v reflect.Value, path string) {
	for _, f := range fields(v.Type()) {
		value, at := v.FieldByIndex(f.index), join(path, f.name)
		if value.Kind() == reflect.Struct && !isLeaf(value.Type()) {
			s.collect(value, at)
			continue
		}
		if f.doc == "" {
			panic("config: key " + at + " has no doc tag")
		}
		s.keys = append(s.keys, &key{path: at, doc: f.doc, value: value})
	}
}

// env returns the variable of a key path: kafka.linger, COLLECTOR_KAFKA_LINGER.
func (s *schema) env(path string) string { return s.prefix() + upperSnake(path) }

func (s *schema) prefix() string { return upperSnake(s.service) + "_" }

func upperSnake(name string) string {
	return strings.ToUpper(strings.NewReplacer(".", "_", "-", "_").Replace(name))
}

// flag returns the flag of a key path: flush_age, --flush-age.
func flag(path string) string { return "--" + strings.ReplaceAll(path, "_", "-") }

// names are the paths under which the key can be set.
func (k *key) names() []string {
	if k.secret() {
		return []string{k.path, k.path + fileSuffix}
	}
	return []string{k.path}
}

func (k *key) secret() bool { return k.value.Type() == secretType }

// settable reports that the key has a variable and a flag: all have, except
// lists of structs and maps.
func (k *key) settable() bool { return isScalar(k.value.Type()) || isList(k.value.Type()) }

func isScalar(t reflect.Type) bool {
	if isLeaf(t) {
		return true
	}
	switch t.Kind() {
	case reflect.String, reflect.Bool, reflect.Float64,
		reflect.Int, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64,
		reflect.Uint, reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint64:
		return true
	default:
		return false
	}
}

func isList(t reflect.Type) bool { return t.Kind() == reflect.Slice && isScalar(t.Elem()) }

// isLeaf reports that t is read as one text whatever its kind.
func isLeaf(t reflect.Type) bool {
	return t == secretType || t == durationType || reflect.PointerTo(t).Implements(textType)
}

// field is one tagged field of a struct.
type field struct {
	name  string
	doc   string
	index []int
}

// fields lists the exported fields of a struct that are not tagged `yaml:"-"`.
func fields(t reflect.Type) []field {
	var list []field
	for f := range t.Fields() {
		if name := f.Tag.Get("yaml"); f.IsExported() && name != "-" {
			list = append(list, field{name: name, doc: f.Tag.Get("doc"), index: f.Index})
		}
	}
	return list
}

// mustBeReadable panics if t, found at path, cannot be configured.
func mustBeReadable(t reflect.Type, path string) {
	switch {
	case isScalar(t):
	case t.Kind() == reflect.Slice:
		mustBeReadable(t.Elem(), path+"[]")
	case t.Kind() == reflect.Map && t.Key().Kind() == reflect.String:
		mustBeReadable(t.Elem(), join(path, "*"))
	case t.Kind() == reflect.Struct:
		seen := map[string]bool{}
		for _, f := range fields(t) {
			at := join(path, f.name)
			if !nameForm.MatchString(f.name) {
				panic(fmt.Sprintf("config: field %s of %v needs a yaml tag in lower snake case, not %q",
					t.FieldByIndex(f.index).Name, t, f.name))
			}
			if seen[f.name] {
				panic("config: two fields are named " + at)
			}
			seen[f.name] = true
			mustBeReadable(t.FieldByIndex(f.index).Type, at)
		}
	default:
		panic(fmt.Sprintf("config: %s has the unsupported type %v", path, t))
	}
}
