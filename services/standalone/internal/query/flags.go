package query

import (
	"fmt"
	"strings"

	schema "touchline.dev/schemas/clickhouse"
)

// Given is the parameters that stand on a command line, by name, with their texts in
// the order in which they were given.
type Given map[string][]string

const secondsSuffix = "_seconds"

// flagOf returns the flag of a parameter without its dashes: window_seconds is
// --window, which takes a time with a unit.
func flagOf(name string) string {
	return strings.ReplaceAll(strings.TrimSuffix(name, secondsSuffix), "_", "-")
}

// Take reads the flags of the family's parameters out of args and returns the other
// arguments in their order. A flag is --name VALUE or --name=VALUE; one of a Bool
// parameter needs no value and takes one only after "=". Parameters in seconds go by
// their name with and without the unit.
func (f Family) Take(args []string) (given Given, rest []string, err error) {
	given = Given{}
	for len(args) > 0 {
		arg := args[0]
		args = args[1:]
		name, text, inline := strings.Cut(arg, "=")
		p, ok := f.param(name)
		switch {
		case !ok:
			rest = append(rest, arg)
			continue
		case inline:
		case p.Type == "Bool":
			text = "true"
		case len(args) == 0:
			return nil, nil, fmt.Errorf("%s: needs a value", name)
		default:
			text, args = args[0], args[1:]
		}
		given[p.Name] = append(given[p.Name], text)
	}
	return given, rest, nil
}

func (f Family) param(flag string) (schema.Param, bool) {
	name, ok := strings.CutPrefix(flag, "--")
	if !ok {
		return schema.Param{}, false
	}
	for _, o := range f.objects {
		for _, p := range o.Params {
			if name == flagOf(p.Name) || name == strings.ReplaceAll(p.Name, "_", "-") {
				return p, true
			}
		}
	}
	return schema.Param{}, false
}
