package campaign

import "strings"

// category is what a site is for, which makes the visitors it sends one channel or
// another.
type category string

const (
	none      category = ""
	search    category = "search"
	social    category = "social"
	video     category = "video"
	shopping  category = "shopping"
	mail      category = "email"
	assistant category = "assistant"
	// other sites would be taken for search because of what they stand below.
	other category = "other"
	// detour sites are where a visitor pays or signs in and comes back from.
	detour category = "detour"
)

// source is a site that sends visitors.
type source struct {
	name     string
	category category
	// keys tell how it is recognised, separated by spaces: a host name with what
	// stands below it (facebook.com); a name under any public suffix (google.*);
	// what campaigns call it, without spaces and hyphens (fb); the same where it
	// says that it is advertising (fbads!); the name of its click id (?fbclid).
	keys string
}

// New returns the table of known.go.
func New() *Table {
	t := &Table{map[string]*source{}, map[string]*source{}, map[string]*source{}, map[string]*source{}, map[string]*source{}}
	for _, s := range known() {
		for key := range strings.FieldsSeq(s.keys) {
			if name, ok := strings.CutSuffix(key, ".*"); ok {
				t.domains[name] = &s
			} else if name, ok := strings.CutPrefix(key, "?"); ok {
				t.clicks[name] = &s
			} else if strings.Contains(key, ".") {
				t.hosts[key] = &s
			} else if name, ok := strings.CutSuffix(key, "!"); ok {
				t.advertising[name] = &s
			} else {
				t.aliases[key] = &s
			}
		}
	}
	return t
}

// host returns the source that a host belongs to, nil when there is none: of the
// names in the table the longest that the host is or stands below.
func (t *Table) host(host string) *source {
	for rest := host; rest != ""; {
		if s := t.hosts[rest]; s != nil {
			return s
		}
		label, behind, _ := strings.Cut(rest, ".")
		if isSuffix(behind) {
			return t.domains[label]
		}
		rest = behind
	}
	return nil
}

// isSuffix reports whether a site of several countries may have this behind its
// name: com, de, co.uk, com.br.
func isSuffix(s string) bool {
	first, country, two := strings.Cut(s, ".")
	switch {
	case !two:
		return len(s) == 2 || s == "com" || s == "net" || s == "org"
	case len(country) != 2:
		return false
	}
	return first == "com" || first == "co" || first == "org" || first == "net" || first == "ne" || first == "or"
}

// named returns the source that a campaign calls so, nil when it is not known, and
// whether that name says that it is advertising. text is in lower case.
func (t *Table) named(text string) (s *source, advertising bool) {
	if strings.IndexByte(text, '.') >= 0 {
		if _, rest, ok := strings.Cut(text, "://"); ok {
			text = rest
		}
		text, _, _ = strings.Cut(text, "/")
		return t.host(strings.TrimPrefix(text, "www.")), false
	}
	var b [longest]byte
	n := 0
	for i := range len(text) {
		if c := text[i]; c != ' ' && c != '-' && c != '_' {
			if n == len(b) {
				return nil, false
			}
			b[n] = c
			n++
		}
	}
	if s = t.aliases[string(b[:n])]; s != nil {
		return s, false
	}
	s = t.advertising[string(b[:n])]
	return s, s != nil
}

// longest is how long a name in the table may be; a test holds the table to it.
const longest = 32
