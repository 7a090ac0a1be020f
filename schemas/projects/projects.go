// Package projects reads the projects file: which projects there are, which
// write keys open them, and what holds for each (time zone, limits).
//
// The smallest file is
//
//	projects: [{id: shop, write_keys: [k1, k2]}]
//
// and everything that can be set is
//
//	projects:
//	  - id: shop                    # [a-z0-9][a-z0-9_-]{0,62}
//	    time_zone: Europe/Berlin    # IANA name; cuts the days; default UTC
//	    currency: EUR               # ISO 4217 code; default none
//	    domains: [shop.example]     # host names of its own
//	    limits:
//	      max_event_bytes: 256KiB   # 1KiB to 1MiB
//	      max_events_per_request: 5000
//	      max_age: 400d             # 1h to 36500d
//	    write_keys:
//	      - k1                      # every protocol, public
//	      - {key: k2, protocols: [segment], kind: secret, source: web}
//	      - {sha256: <64 hex digits of the key's SHA-256>, source: app}
//
// The package is pure: it reads bytes, not files, and starts nothing. A [Set]
// never changes after [Parse], so it may be used from any number of goroutines.
// Write keys are kept as SHA-256 only, and no message holds one.
package projects

import (
	"crypto/sha256"
	"slices"
	"time"
)

// Limits of a project where its file says nothing.
const (
	// DefaultMaxEventBytes is eight times what the SDKs' own service takes.
	DefaultMaxEventBytes = 256 << 10
	// DefaultMaxEventsPerRequest is twice what the SDKs' own service takes.
	DefaultMaxEventsPerRequest = 5000
	// DefaultMaxAge keeps a year and a month.
	DefaultMaxAge = 400 * 24 * time.Hour
)

// MaxEventBytes is the largest event that any project may allow.
const MaxEventBytes = 1 << 20

// Kind says where a write key may be used.
type Kind string

// The kinds of write keys.
const (
	// Public keys stand in pages and apps, for everybody to read.
	Public Kind = "public"
	// Secret keys are known to servers only.
	Secret Kind = "secret"
)

// Project is one project of the file, complete with defaults. It is shared by
// all its readers and never written after Parse.
type Project struct {
	// ID is [a-z0-9][a-z0-9_-]{0,62}: safe in keys, labels, paths and SQL text.
	ID string
	// TimeZone is the IANA name of the zone that cuts the project's days.
	TimeZone string
	// Currency is three upper-case letters, or empty.
	Currency string
	// Domains are the project's own host names, in lower case.
	Domains []string
	// Limits hold for what the project's write keys send.
	Limits Limits

	zone *time.Location
}

// Limits bound what a project accepts; none is zero.
type Limits struct {
	// MaxEventBytes is the longest event, as the SDK wrote it.
	MaxEventBytes int
	// MaxEventsPerRequest is the largest batch.
	MaxEventsPerRequest int
	// MaxAge is how far before its receipt an event may have happened.
	MaxAge time.Duration
}

// Grant is what a write key opens.
type Grant struct {
	// Project is never nil in a grant that Key returned.
	Project *Project
	// Source is the label that the file gives to the key, or empty.
	Source string
	Kind   Kind
}

// Set is the content of a projects file. A nil Set has no projects and no keys.
type Set struct {
	projects []*Project // sorted by ID
	byID     map[string]*Project
	byHash   map[[sha256.Size]byte]grant
}

// grant is a Grant with its scope; empty protocols mean every protocol.
type grant struct {
	Grant
	protocols []string
}

// Key returns what the write key opens when it is used with the protocol, and
// whether it opens anything; an unknown key and a known one that is not for this
// protocol answer alike.
//
// It allocates nothing. The plain key is never compared: only its SHA-256 is
// looked up, whose timing tells nothing about the keys of the set.
func (s *Set) Key(key []byte, protocol string) (Grant, bool) {
	if s == nil {
		return Grant{}, false
	}
	g, ok := s.byHash[sha256.Sum256(key)]
	if !ok || len(g.protocols) > 0 && !slices.Contains(g.protocols, protocol) {
		return Grant{}, false
	}
	return g.Grant, true
}

// Project returns the project with this id and whether there is one.
func (s *Set) Project(id string) (*Project, bool) {
	if s == nil {
		return nil, false
	}
	p, ok := s.byID[id]
	return p, ok
}

// All returns the projects sorted by id. The slice is the caller's.
func (s *Set) All() []*Project {
	if s == nil {
		return nil
	}
	return slices.Clone(s.projects)
}
