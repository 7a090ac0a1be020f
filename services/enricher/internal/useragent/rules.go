package useragent

import (
	"fmt"
	"slices"

	"github.com/ua-parser/uap-go/uaparser"
)

// rules are the expressions of the ua-parser project, in their order: of each
// list the first that matches decides.
type rules struct {
	agents  []rule[uaparser.UserAgent]
	systems []rule[uaparser.Os]
	devices []rule[uaparser.Device]
	// spiders are the positions in devices of the expressions for crawlers.
	spiders []int
}

type rule[T any] struct {
	filter filter
	match  func(text string, into *T)
}

// spider is the name that the device expressions give to crawlers.
const spider = "Spider"

// loadRules compiles the expressions, which are part of the program. It takes
// some 100 ms.
func loadRules() (*rules, error) {
	all, err := uaparser.New(uaparser.WithCacheSize(1))
	if err != nil {
		return nil, fmt.Errorf("compile user agent expressions: %w", err)
	}
	r := &rules{}
	for _, a := range all.UA {
		if r.agents, err = add(r.agents, a.Flags, a.Expr, a.Match); err != nil {
			return nil, err
		}
	}
	for _, o := range all.OS {
		if r.systems, err = add(r.systems, o.Flags, o.Expr, o.Match); err != nil {
			return nil, err
		}
	}
	for i, d := range all.Device {
		if r.devices, err = add(r.devices, d.Flags, d.Expr, d.Match); err != nil {
			return nil, err
		}
		if d.DeviceReplacement == spider {
			r.spiders = append(r.spiders, i)
		}
	}
	return r, nil
}

func add[T any](list []rule[T], flags, expr string, match func(string, *T)) ([]rule[T], error) {
	if flags != "" {
		expr = "(?" + flags + ")" + expr
	}
	need, err := literals(expr)
	if err != nil {
		return nil, fmt.Errorf("read user agent expression %q: %w", expr, err)
	}
	return append(list, rule[T]{newFilter(need), match}), nil
}

// spider reports whether the text is that of a known crawler: whether the first
// device expression that matches is one for crawlers. The loosest of them stands
// behind all the devices whose names look like a crawler's. Most texts match none
// of the few expressions for crawlers, so these are asked first.
func (r *rules) spider(text string, t *trigrams) bool {
	for _, i := range r.spiders {
		if matches(&r.devices[i], text, t) {
			for j := range i {
				if matches(&r.devices[j], text, t) {
					return slices.Contains(r.spiders, j)
				}
			}
			return true
		}
	}
	return false
}

func matches(d *rule[uaparser.Device], text string, t *trigrams) bool {
	if d.filter.excludes(t) {
		return false
	}
	var found uaparser.Device
	d.match(text, &found)
	return found.Family != ""
}
