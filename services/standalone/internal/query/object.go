package query

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"

	schema "touchline.dev/schemas/clickhouse"
)

// Family is the views that answer one question: NAME, and those called NAME_..., that
// take further parameters or show it from another side.
type Family struct {
	Name    string
	objects []schema.Object
}

// Twin reports that the view is the plain one beside one with parameters, for tools that
// cannot pass any: here it has nothing to say that its twin cannot.
func Twin(o schema.Object) bool { return strings.HasSuffix(o.Name, "_default") }

// NewFamily returns the views of a name, in which dashes stand for underscores, without
// twins of others. It is empty when there are none.
func NewFamily(name string, all []schema.Object) Family {
	f := Family{Name: strings.ReplaceAll(name, "-", "_")}
	for _, o := range all {
		if o.Name == f.Name || strings.HasPrefix(o.Name, f.Name+"_") && !Twin(o) {
			f.objects = append(f.objects, o)
		}
	}
	// The view of the very name goes before all others.
	slices.SortStableFunc(f.objects, func(a, b schema.Object) int {
		return cmp.Or(
			cmp.Compare(btoi(a.Name != f.Name), btoi(b.Name != f.Name)),
			cmp.Compare(len(a.Params), len(b.Params)),
			cmp.Compare(a.Name, b.Name))
	})
	return f
}

// Empty reports that no view has the name.
func (f Family) Empty() bool { return len(f.objects) == 0 }

// Objects returns the views of the family, the one of the very name first.
func (f Family) Objects() []schema.Object { return f.objects }

// Choose returns the view that takes all parameters given: the one of the family's own
// name if it does, otherwise the one with the fewest parameters besides.
func (f Family) Choose(given Given) (schema.Object, error) {
	names := slices.Sorted(maps.Keys(given))
	for _, o := range f.objects {
		if !slices.ContainsFunc(names, func(name string) bool { return !takes(o, name) }) {
			return o, nil
		}
	}
	var told []string
	for _, name := range names {
		var of []string
		for _, o := range f.objects {
			if takes(o, name) {
				of = append(of, o.Name)
			}
		}
		if len(of) < len(f.objects) { // what all take is not in the way
			told = append(told, fmt.Sprintf("--%s is of %s", flagOf(name), strings.Join(of, ", ")))
		}
	}
	return schema.Object{}, fmt.Errorf("no view takes these flags together: %s", strings.Join(told, "; "))
}

func takes(o schema.Object, param string) bool {
	return slices.ContainsFunc(o.Params, func(p schema.Param) bool { return p.Name == param })
}

func btoi(b bool) int {
	if b {
		return 1
	}
	return 0
}
