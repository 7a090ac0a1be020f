package projects

import (
	"cmp"
	"crypto/sha256"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/goccy/go-yaml/ast"
)

// Parse reads a projects file. Its error is [Problems]: everything that is wrong
// with the file, with paths and lines. A set without projects is an error.
func Parse(data []byte) (*Set, error) {
	p := &parse{
		set: &Set{byID: map[string]*Project{}, byHash: map[[sha256.Size]byte]*grant{}},
		ids: map[string]string{}, zones: map[string]*time.Location{},
	}
	body := p.document(data)
	if body != nil {
		list, ok := p.mapping(body, "", false, "projects")["projects"]
		if ok {
			for i, n := range p.list(list.value, list.path) {
				p.project(n, index(list.path, i))
			}
		}
	}
	if len(p.problems) == 0 && len(p.set.projects) == 0 {
		p.addf(nil, "", "no projects; want at least projects: [{id: shop, write_keys: [k1]}]")
	}
	if len(p.problems) > 0 {
		slices.SortStableFunc(p.problems, func(a, b Problem) int { return cmp.Compare(a.Line, b.Line) })
		return nil, p.problems
	}
	slices.SortFunc(p.set.projects, func(a, b *Project) int { return cmp.Compare(a.ID, b.ID) })
	return p.set, nil
}

// parse is one run of Parse: the set so far, and where ids stand that must
// not be given again.
type parse struct {
	reader
	set   *Set
	ids   map[string]string
	zones map[string]*time.Location
}

func (p *parse) project(n ast.Node, path string) {
	entries := p.mapping(n, path, false, "id", "time_zone", "currency", "domains", "limits", "rate", "write_keys")
	if entries == nil {
		return
	}
	project := &Project{TimeZone: "UTC", zone: time.UTC, Limits: Limits{
		MaxEventBytes: DefaultMaxEventBytes, MaxEventsPerRequest: DefaultMaxEventsPerRequest, MaxAge: DefaultMaxAge,
	}}
	if e, ok := entries["id"]; ok {
		p.id(e, project)
	} else {
		p.addf(n, join(path, "id"), "is missing")
	}
	if e, ok := entries["time_zone"]; ok {
		p.timeZone(e, project)
	}
	if e, ok := entries["currency"]; ok {
		if text, ok := p.text(e.value, e.path); ok {
			if len(text) != 3 || strings.Trim(text, "ABCDEFGHIJKLMNOPQRSTUVWXYZ") != "" {
				p.addf(e.value, e.path, "want three upper-case letters such as EUR, got %s", quote(text))
			}
			project.Currency = text
		}
	}
	if e, ok := entries["domains"]; ok {
		p.domains(e, project)
	}
	if e, ok := entries["limits"]; ok {
		p.limits(e, &project.Limits)
	}
	if e, ok := entries["rate"]; ok {
		project.Rate = p.rate(e)
	}
	if e, ok := entries["write_keys"]; ok {
		for i, key := range p.list(e.value, e.path) {
			p.writeKey(key, index(e.path, i), project)
		}
	} else {
		p.addf(n, join(path, "write_keys"), "is missing")
	}
	p.set.projects = append(p.set.projects, project)
	p.set.byID[project.ID] = project
}

func (p *parse) id(e entry, project *Project) {
	text, ok := p.text(e.value, e.path)
	switch first := p.ids[text]; {
	case !ok:
	case !isName(text):
		p.addf(e.value, e.path, "want 1 to 63 of a-z, 0-9, _ and -, the first a letter or digit, got %s", quote(text))
	case first != "":
		p.addf(e.value, e.path, "%s is already the id of %s", text, first)
	default:
		p.ids[text] = strings.TrimSuffix(e.path, ".id")
		project.ID = text
	}
}

func (p *parse) timeZone(e entry, project *Project) {
	text, ok := p.text(e.value, e.path)
	if !ok {
		return
	}
	zone := p.zones[text]
	if zone == nil {
		var err error
		// "" and "Local" load, as UTC and as the zone of the machine.
		if zone, err = time.LoadLocation(text); err != nil || text == "" || text == "Local" {
			p.addf(e.value, e.path, "want a time zone such as Europe/Berlin, got %s", quote(text))
			return
		}
		p.zones[text] = zone
	}
	project.TimeZone, project.zone = text, zone
}

func (p *parse) domains(e entry, project *Project) {
	for i, n := range p.list(e.value, e.path) {
		path := index(e.path, i)
		text, ok := p.text(n, path)
		if !ok {
			continue
		}
		domain := strings.ToLower(text)
		switch {
		case !isHost(domain):
			p.addf(n, path, "want a host name such as shop.example, without scheme, port and path, got %s", quote(text))
		case slices.Contains(project.Domains, domain):
			p.addf(n, path, "%s is listed twice", domain)
		default:
			project.Domains = append(project.Domains, domain)
		}
	}
}

func (p *parse) limits(e entry, limits *Limits) {
	entries := p.mapping(e.value, e.path, false, "max_event_bytes", "max_events_per_request", "max_age")
	if e, ok := entries["max_event_bytes"]; ok {
		if text, ok := p.text(e.value, e.path); ok {
			n, err := parseSize(text)
			if err != nil || n < 1<<10 || n > MaxEventBytes {
				p.addf(e.value, e.path, "want a size from 1KiB to 1MiB, got %s", quote(text))
			}
			limits.MaxEventBytes = int(n)
		}
	}
	if e, ok := entries["max_events_per_request"]; ok {
		if text, ok := p.text(e.value, e.path); ok {
			n, err := strconv.Atoi(text)
			if err != nil || n < 1 || n > 100_000 {
				p.addf(e.value, e.path, "want a whole number from 1 to 100000, got %s", quote(text))
			}
			limits.MaxEventsPerRequest = n
		}
	}
	if e, ok := entries["max_age"]; ok {
		if text, ok := p.text(e.value, e.path); ok {
			d, err := parseAge(text)
			if err != nil || d < time.Hour || d > 36500*day {
				p.addf(e.value, e.path, "want a duration from 1h to 36500d, such as 400d, got %s", quote(text))
			}
			limits.MaxAge = d
		}
	}
}

// isName reports whether s is fit as an id or a label: [a-z0-9][a-z0-9_-]{0,62}.
func isName(s string) bool {
	if s == "" || len(s) > 63 || s[0] == '_' || s[0] == '-' {
		return false
	}
	return strings.Trim(s, "abcdefghijklmnopqrstuvwxyz0123456789_-") == ""
}

// isHost reports whether s is a host name in lower case: labels of letters,
// digits and hyphens.
func isHost(s string) bool {
	if len(s) > 253 {
		return false
	}
	for label := range strings.SplitSeq(s, ".") {
		if label == "" || len(label) > 63 || label[0] == '-' || label[len(label)-1] == '-' ||
			strings.Trim(label, "abcdefghijklmnopqrstuvwxyz0123456789-") != "" {
			return false
		}
	}
	return true
}

// parseSize reads a number of bytes, or of KiB or MiB.
func parseSize(text string) (uint64, error) {
	shift := 0
	if digits, ok := strings.CutSuffix(text, "KiB"); ok {
		text, shift = digits, 10
	} else if digits, ok := strings.CutSuffix(text, "MiB"); ok {
		text, shift = digits, 20
	}
	n, err := strconv.ParseUint(text, 10, 31)
	if err != nil {
		return 0, fmt.Errorf("parse size: %w", err)
	}
	return n << shift, nil
}

const day = 24 * time.Hour

// parseAge reads a duration; besides Go's units it knows days of 24 hours.
func parseAge(text string) (time.Duration, error) {
	if digits, ok := strings.CutSuffix(text, "d"); ok {
		n, err := strconv.ParseUint(digits, 10, 31)
		if err != nil {
			return 0, fmt.Errorf("parse days: %w", err)
		}
		return time.Duration(min(int64(n), int64(math.MaxInt64/day))) * day, nil
	}
	return time.ParseDuration(text)
}
