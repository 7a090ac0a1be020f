package config

import (
	"regexp"
	"slices"
	"strings"
)

type envLayer struct {
	file   string // SERVICE_CONFIG
	values []setting
}

// parseEnv picks the variables with the service's prefix. Unknown ones are
// problems, named without their value.
func (s *schema) parseEnv(env []string, problems *Problems) envLayer {
	var layer envLayer
	byName := map[string]setting{}
	var names []string
	for _, k := range s.keys {
		for i, path := range k.names() {
			if k.settable() {
				byName[s.env(path)] = setting{key: k, fromFile: i > 0, source: s.env(path)}
				names = append(names, s.env(path))
			}
		}
	}
	env = slices.Sorted(slices.Values(env)) // the order of problems does not vary
	for _, variable := range env {
		name, text, _ := strings.Cut(variable, "=")
		if !strings.HasPrefix(name, s.prefix()) {
			continue
		}
		v, known := byName[name]
		switch {
		case name == s.env("config"):
			layer.file = text
		case known:
			v.text = text
			layer.values = append(layer.values, v)
		case !serviceLink(name, text):
			problems.add(printable(name), "", "unknown variable%s", didYouMean(name, s.prefix(), names))
		}
	}
	return layer
}

// linkForm matches the variables that Kubernetes puts into every container for
// each Service of its namespace: a Service named "collector" announces itself
// to the collector's own pods as COLLECTOR_SERVICE_HOST, COLLECTOR_PORT and so
// on. They are no configuration.
var linkForm = regexp.MustCompile(`_(SERVICE_HOST|SERVICE_PORT(_[A-Z0-9_]+)?|PORT_[0-9]+_(TCP|UDP|SCTP)(_(PROTO|PORT|ADDR))?)$`)

func serviceLink(name, text string) bool {
	scheme, _, address := strings.Cut(text, "://")
	return linkForm.MatchString(name) ||
		strings.HasSuffix(name, "_PORT") && address && slices.Contains([]string{"tcp", "udp", "sctp"}, scheme)
}

// didYouMean returns a hint at the known name nearest to an unknown one, or
// nothing if none is near: at most a third of the letters after their common
// prefix may differ.
func didYouMean(name, prefix string, known []string) string {
	best, distance := "", (len(name)-len(prefix))/3+1
	for _, k := range known {
		if d := editDistance(name, k, distance); d < distance {
			best, distance = k, d
		}
	}
	if best == "" {
		return ""
	}
	return ", did you mean " + best + "?"
}

// editDistance counts the insertions, deletions and replacements between two
// names; it answers limit where the lengths alone differ by as much.
func editDistance(a, b string, limit int) int {
	if max(len(a)-len(b), len(b)-len(a)) >= limit {
		return limit
	}
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		diagonal := row[0]
		row[0] = i + 1
		for j := range len(b) {
			replace := diagonal
			if a[i] != b[j] {
				replace++
			}
			diagonal = row[j+1]
			row[j+1] = min(replace, diagonal+1, row[j]+1)
		}
	}
	return row[len(b)]
}
