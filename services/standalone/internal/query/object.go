package query

import (
	"cmp"
	"fmt"
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

// NewFamily returns the views of a name, in which dashes stand for underscores. It is
// empty when there are none.
func NewFamily(name string, all []schema.Object) Family {
	f := Family{Name: strings.ReplaceAll(name, "-", "_")}
	for _, o := range all {
		if o.Name == f.Name || strings.HasPrefix(o.Name, f.Name+"_") {
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
	var missing string
	for i, o := range f.objects {
		unknown := given.notOf(o)
		if unknown == "" {
			return o, nil
		}
		if i == 0 {
			missing = unknown
		}
	}
	return schema.Object{}, fmt.Errorf("no view of %s takes these flags together; %s does not take --%s",
		f.Name, f.objects[0].Name, missing)
}

func btoi(b bool) int {
	if b {
		return 1
	}
	return 0
}
