// Package config fills one tagged struct from its defaults, a YAML file, the
// environment and the command line, in that order: the later wins.
//
// The struct is the only description of a service's settings. A field tagged
//
//	Linger time.Duration `yaml:"linger" doc:"Longest wait before a batch is sent."`
//
// inside a section tagged `yaml:"kafka"` of the service collector is
//
//	kafka: {linger: 2ms}        in the file
//	COLLECTOR_KAFKA_LINGER=2ms  in the environment
//	--kafka.linger 2ms          on the command line
//
// One rule makes the names: the key path joins the yaml names with dots; the
// variable is the service and the path in upper snake case; the flag is the
// path with dashes for underscores.
//
// Fields may be strings, booleans, integers, floats, time.Duration ("250ms",
// "7d"), [Bytes] ("16MiB"), [Secret], any type with UnmarshalText, lists of
// these (commas separate them outside the file), and nested structs. Lists of
// structs and maps are set in the file only.
//
// The package guarantees that nothing is ignored (an unknown key, variable or
// flag is a problem), that all problems are reported together with their key
// paths, and that no message, listing or dump shows a secret.
package config

import (
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"

	"touchline.dev/services/internal/version"
)

// ExitBadConfig is the exit code of a process whose configuration is wrong.
const ExitBadConfig = 2

// Result tells what Load did besides filling the struct.
type Result struct {
	// Done reports that a request such as --help or --check-config was
	// answered on out: the caller exits with code 0 and starts nothing.
	Done bool
	// File is the configuration file that was read, or empty.
	File string
}

// Load fills cfg, a pointer to a struct that holds the defaults, and validates
// it (see [Check]).
//
// service is the name in messages and, in upper snake case, the prefix of the
// variables in env ("K=V", as from os.Environ). args are the arguments without
// the program's name. The file is named by --config or SERVICE_CONFIG; without
// either none is read.
//
// --help, --version, --check-config and --print-config are answered on out.
// A wrong configuration returns an error that wraps [Problems]; cfg is then
// partly filled and must not be used. Load panics if the struct itself is
// tagged wrongly, which any test that calls it shows.
func Load(service string, args, env []string, cfg any, out io.Writer) (Result, error) {
	s := newSchema(service, cfg)
	var problems Problems
	from := newSources()

	line := s.parseArgs(args, &problems)
	switch {
	case line.help:
		_, err := io.WriteString(out, s.help())
		return Result{Done: true}, err
	case line.version:
		_, err := fmt.Fprintln(out, service, version.String())
		return Result{Done: true}, err
	}

	vars := s.parseEnv(env, &problems)
	file := line.file
	if file == "" {
		file = vars.file
	}
	if file != "" {
		s.applyFile(file, from, &problems)
	}
	s.apply(vars.values, from, &problems)
	s.apply(line.values, from, &problems)
	s.validate(from, &problems)

	if err := problems.Err(); err != nil {
		return Result{}, fmt.Errorf("load configuration of %s:\n%w", service, err)
	}
	res := Result{File: file, Done: line.check || line.print}
	var err error
	switch {
	case line.print:
		_, err = io.WriteString(out, s.dump(from))
	case line.check:
		_, err = fmt.Fprintf(out, "configuration of %s is valid\n", service)
	}
	return res, err
}

// EnvNames lists every environment variable that Load accepts for cfg, sorted:
// one for each key, the _FILE form of each secret, and SERVICE_CONFIG.
func EnvNames(service string, cfg any) []string {
	s := newSchema(service, cfg)
	names := []string{s.env("config")}
	for _, k := range s.keys {
		if k.settable() {
			names = append(names, s.env(k.path))
		}
		if k.secret() {
			names = append(names, s.env(k.path+fileSuffix))
		}
	}
	slices.Sort(names)
	return names
}

// setting is one value given outside the file, not yet parsed.
type setting struct {
	key      *key
	fromFile bool // text names the file that holds the secret
	source   string
	text     string
}

// apply sets the keys of one layer (all variables, or all flags).
func (s *schema) apply(layer []setting, from *sources, problems *Problems) {
	given := map[string]setting{}
	for _, v := range layer {
		// A list or a flag given twice takes its last value, but a secret and
		// its file contradict each other whatever their order.
		if first, ok := given[v.key.path]; ok && first.fromFile != v.fromFile {
			problems.add(v.source, v.key.path, "already given by %s", first.source)
			continue
		}
		given[v.key.path] = v
		set := v.key.set
		if v.fromFile {
			set = v.key.setFromFile
		}
		if err := set(v.text); err != nil {
			problems.add(v.source, v.key.path, "%v", err)
			from.bad = append(from.bad, v.key.path)
			continue
		}
		from.replace(v.key.path, v.source)
	}
}

// validate runs the Validate methods and adds what they find, except about a
// key that could not be read or a section that holds one: such a finding may
// be only the echo of the first.
func (s *schema) validate(from *sources, problems *Problems) {
	for _, p := range check(s.root) {
		if !from.isBad(p.Path) {
			p.Source = from.of(p.Path)
			*problems = append(*problems, p)
		}
	}
}

// sources remembers where values were set.
type sources struct {
	set map[string]string // key path to "file:line", a variable or a flag
	bad []string          // paths that were given but could not be read
}

func newSources() *sources { return &sources{set: map[string]string{}} }

// replace sets the source of a value of which parts may have been set before.
func (f *sources) replace(path, source string) {
	maps.DeleteFunc(f.set, func(other, _ string) bool { return within(other, path) })
	f.set[path] = source
}

// isBad reports that a value at, above or below the path could not be read.
func (f *sources) isBad(path string) bool {
	return slices.ContainsFunc(f.bad, func(bad string) bool { return within(bad, path) || within(path, bad) })
}

// within reports that inner is outer or lies below it.
func within(inner, outer string) bool {
	rest, ok := strings.CutPrefix(inner, outer)
	return ok && (outer == "" || rest == "" || rest[0] == '.' || rest[0] == '[')
}

// of returns the source of the nearest enclosing path that was set, so that
// "rules[3].weight" finds the line of its element.
func (f *sources) of(path string) string {
	for path != "" {
		if source, ok := f.set[path]; ok {
			return source
		}
		path = path[:max(strings.LastIndexAny(path, ".["), 0)]
	}
	return ""
}
