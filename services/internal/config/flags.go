package config

import (
	"reflect"
	"strings"
)

// commandLine is what the arguments ask for.
type commandLine struct {
	file                        string // --config
	help, version, check, print bool
	values                      []setting
}

// parseArgs reads "--flag value" and "--flag=value"; a boolean flag needs no
// value and takes one only after "=". Every argument belongs to a flag.
func (s *schema) parseArgs(args []string, problems *Problems) commandLine {
	var line commandLine
	for len(args) > 0 {
		name, text, inline := strings.Cut(args[0], "=")
		args = args[1:]
		if switched := line.toggle(name); switched != nil {
			if inline {
				problems.add(name, "", "takes no value")
			}
			*switched = true
			continue
		}
		k, fromFile := s.findFlag(name)
		if k == nil && name != "--config" {
			// The word after an unknown flag is most likely its value, and
			// could be a secret: it is passed over, not named.
			problems.add("", "", "%s", s.unknownArgument(name))
			if strings.HasPrefix(name, "-") && !inline && len(args) > 0 && !strings.HasPrefix(args[0], "-") {
				args = args[1:]
			}
			continue
		}
		if !inline {
			switch {
			case k != nil && k.value.Kind() == reflect.Bool:
				text = "true"
			case len(args) == 0:
				problems.add(name, "", "needs a value")
				continue
			default:
				text, args = args[0], args[1:]
			}
		}
		switch {
		case k == nil:
			line.file = text
		case k.secret() && !fromFile:
			problems.add(name, k.path, "arguments are visible to every user: use %s or %s",
				s.env(k.path), flag(k.path+fileSuffix))
		default:
			line.values = append(line.values, setting{key: k, fromFile: fromFile, source: name, text: text})
		}
	}
	return line
}

// toggle returns the switch that a flag of the loader itself sets, or nil.
func (l *commandLine) toggle(name string) *bool {
	switch name {
	case "--help", "-h":
		return &l.help
	case "--version":
		return &l.version
	case "--check-config":
		return &l.check
	case "--print-config":
		return &l.print
	default:
		return nil
	}
}

func (s *schema) findFlag(name string) (k *key, fromFile bool) {
	for _, k := range s.keys {
		for i, path := range k.names() {
			if flag(path) == name && k.settable() {
				return k, i > 0
			}
		}
	}
	return nil, false
}

func (s *schema) unknownArgument(arg string) string {
	if !strings.HasPrefix(arg, "-") {
		return "unexpected argument " + printable(arg)
	}
	var names []string
	for _, path := range reserved {
		names = append(names, flag(path))
	}
	for _, k := range s.keys {
		if k.settable() {
			names = append(names, flag(k.path))
		}
	}
	return "unknown flag " + printable(arg) + didYouMean(arg, "--", names)
}
