package config

import (
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strconv"
	"strings"
)

// Problem is one thing wrong with a configuration.
type Problem struct {
	// Path is the key path, such as "kafka.brokers" or "projects[2].id". It is
	// empty where no key is concerned.
	Path string
	// Source is where the value came from: "touchline.yaml:12", the name of a
	// variable or a flag; empty for a default.
	Source string
	// Message says what is wanted and what was found.
	Message string
}

// String returns "source: path: message" without the empty parts.
func (p Problem) String() string {
	parts := slices.DeleteFunc([]string{p.Source, p.Path, p.Message}, func(s string) bool { return s == "" })
	return strings.Join(parts, ": ")
}

// Problems is a list of problems and, when not empty, an error.
type Problems []Problem

// Addf adds a problem with the value at path, which is relative to the struct
// whose Validate method calls it.
func (p *Problems) Addf(path, format string, args ...any) {
	p.add("", path, format, args...)
}

func (p *Problems) add(source, path, format string, args ...any) {
	*p = append(*p, Problem{Path: path, Source: source, Message: fmt.Sprintf(format, args...)})
}

// Err returns p as an error, or nil if there are no problems.
func (p Problems) Err() error {
	if len(p) == 0 {
		return nil
	}
	return p
}

// maxLines bounds the text of an error: a mistake repeated through a long list
// is understood by then.
const maxLines = 100

// Error returns one problem a line, of the first hundred.
func (p Problems) Error() string {
	var lines []string
	for _, problem := range p[:min(len(p), maxLines)] {
		lines = append(lines, problem.String())
	}
	if more := len(p) - len(lines); more > 0 {
		lines = append(lines, fmt.Sprintf("and %d more", more))
	}
	return strings.Join(lines, "\n")
}

// Validator is implemented by configuration structs, or single values, that
// can be wrong in ways their type does not show. Validate reports all problems
// of its own fields, usually as [Problems] with paths relative to it. Nested
// values have their own Validate, which [Check] calls; a struct does not.
type Validator interface {
	Validate() error
}

// Check calls Validate on every value inside cfg, inner ones first, and returns
// their problems with full key paths, as [Problems], or nil. cfg is a struct or
// a pointer to one. Constructors call it on a Config that was not loaded from
// anywhere.
func Check(cfg any) error {
	return check(reflect.Indirect(reflect.ValueOf(cfg))).Err()
}

func check(root reflect.Value) Problems {
	var all Problems
	walkValidators(root, "", func(path string, v Validator) {
		err := v.Validate()
		if err == nil {
			return
		}
		var own Problems
		if !errors.As(err, &own) {
			own = Problems{{Message: err.Error()}}
		}
		for _, p := range own {
			p.Path = join(path, p.Path)
			if !slices.Contains(all, p) {
				all = append(all, p)
			}
		}
	})
	return all
}

// walkValidators visits v and what it holds, children before their parent.
func walkValidators(v reflect.Value, path string, visit func(string, Validator)) {
	switch {
	case isLeaf(v.Type()):
	case v.Kind() == reflect.Struct:
		for _, f := range fields(v.Type()) {
			walkValidators(v.FieldByIndex(f.index), join(path, f.name), visit)
		}
	case v.Kind() == reflect.Slice:
		for i := range v.Len() {
			walkValidators(v.Index(i), path+"["+strconv.Itoa(i)+"]", visit)
		}
	case v.Kind() == reflect.Map:
		for _, k := range sortedKeys(v) {
			walkValidators(v.MapIndex(k), join(path, k.String()), visit)
		}
	}
	if v.CanAddr() {
		v = v.Addr() // finds Validate on the pointer as well as on the value
	}
	if validator, ok := reflect.TypeAssert[Validator](v); ok {
		visit(path, validator)
	}
}

func sortedKeys(m reflect.Value) []reflect.Value {
	keys := m.MapKeys()
	slices.SortFunc(keys, func(a, b reflect.Value) int { return strings.Compare(a.String(), b.String()) })
	return keys
}

// join appends a relative key path to a section's.
func join(section, path string) string {
	if section == "" || path == "" || strings.HasPrefix(path, "[") {
		return section + path
	}
	return section + "." + path
}
