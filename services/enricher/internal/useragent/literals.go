package useragent

import (
	"regexp/syntax"
	"strings"
)

// Bounds of the sets of strings that are worked with; a larger set is given up,
// which costs speed and nothing else. The lists of crawlers have some hundred
// names, and are the slowest expressions by far.
const (
	maxExact = 64
	maxNeed  = 512
)

// literals returns strings in lower case of which every text that matches expr,
// put in lower case, contains at least one; nil when there is no such set of
// strings of three bytes and more. It holds for ASCII texts only: beyond ASCII
// two characters may fold to one.
func literals(expr string) ([]string, error) {
	re, err := syntax.Parse(expr, syntax.Perl)
	if err != nil {
		return nil, err
	}
	p := examine(re)
	return better(p.need, usable(p.exact)), nil
}

// part is what is known of the texts that a part of an expression matches: in
// lower case each is one of exact, unless that is nil, and contains one of need,
// unless that is nil.
type part struct{ exact, need []string }

func examine(re *syntax.Regexp) part {
	switch re.Op {
	case syntax.OpEmptyMatch, syntax.OpBeginLine, syntax.OpEndLine, syntax.OpBeginText, syntax.OpEndText,
		syntax.OpWordBoundary, syntax.OpNoWordBoundary:
		return part{exact: []string{""}}
	case syntax.OpLiteral:
		return part{exact: []string{strings.ToLower(string(re.Rune))}}
	case syntax.OpCharClass:
		return part{exact: class(re.Rune)}
	case syntax.OpCapture:
		return examine(re.Sub[0])
	case syntax.OpQuest:
		if exact := examine(re.Sub[0]).exact; exact != nil {
			return part{exact: append([]string{""}, exact...)}
		}
	case syntax.OpPlus:
		inner := examine(re.Sub[0])
		return part{need: better(inner.need, usable(inner.exact))}
	case syntax.OpRepeat:
		if re.Min > 0 {
			inner := examine(re.Sub[0])
			return part{need: better(inner.need, usable(inner.exact))}
		}
	case syntax.OpConcat:
		return concat(re.Sub)
	case syntax.OpAlternate:
		return alternate(re.Sub)
	}
	return part{}
}

// class returns the characters of a small ASCII class; ranges are pairs.
func class(ranges []rune) []string {
	var set []string
	for i := 0; i < len(ranges); i += 2 {
		if ranges[i+1] >= 0x80 || int(ranges[i+1]-ranges[i])+len(set) >= 8 {
			return nil
		}
		for r := ranges[i]; r <= ranges[i+1]; r++ {
			set = append(set, strings.ToLower(string(r)))
		}
	}
	return set
}

func concat(subs []*syntax.Regexp) part {
	run, whole := []string{""}, true
	var need []string
	for _, sub := range subs {
		p := examine(sub)
		need = better(need, p.need)
		if p.exact != nil && len(run)*len(p.exact) <= maxExact {
			run = product(run, p.exact)
			continue
		}
		whole = false
		need = better(need, usable(run))
		if run = p.exact; run == nil {
			run = []string{""}
		}
	}
	if whole {
		return part{exact: run, need: need}
	}
	return part{need: better(need, usable(run))}
}

func product(a, b []string) []string {
	all := make([]string, 0, len(a)*len(b))
	for _, x := range a {
		for _, y := range b {
			all = append(all, x+y)
		}
	}
	return all
}

func alternate(subs []*syntax.Regexp) part {
	all := part{exact: []string{}, need: []string{}}
	for _, sub := range subs {
		p := examine(sub)
		if all.exact != nil && p.exact != nil && len(all.exact)+len(p.exact) <= maxNeed {
			all.exact = append(all.exact, p.exact...)
		} else {
			all.exact = nil
		}
		need := better(p.need, usable(p.exact))
		if all.need != nil && need != nil && len(all.need)+len(need) <= maxNeed {
			all.need = append(all.need, need...)
		} else {
			all.need = nil
		}
	}
	return all
}

// usable returns set when each string of it is long enough to be looked for.
func usable(set []string) []string {
	if shortest(set) < 3 {
		return nil
	}
	return set
}

// better returns the set that fewer texts can be expected to meet.
func better(a, b []string) []string {
	switch {
	case len(a) == 0:
		return b
	case len(b) == 0:
		return a
	}
	if x, y := shortest(a), shortest(b); x > y || x == y && len(a) <= len(b) {
		return a
	}
	return b
}

func shortest(set []string) int {
	if len(set) == 0 {
		return 0
	}
	n := len(set[0])
	for _, s := range set[1:] {
		n = min(n, len(s))
	}
	return n
}
