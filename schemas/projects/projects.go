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
//	    rate:                       # of all keys together; default none
//	      events_per_second: 5000
//	      burst: 50000              # default ten seconds' worth
//	      per_client_per_second: 50 # of a client network: IPv4 /24, IPv6 /56
//	    write_keys:
//	      - k1                      # every protocol, public
//	      - key: k2                 # or sha256: <64 hex digits of the key's SHA-256>
//	        protocols: [segment]    # default every protocol
//	        kind: public            # or secret: refused where there is an origin
//	        source: web             # a label
//	        origins: [https://shop.example, https://*.shop.example] # default every origin
//	        rate: {events_per_second: 500}
//	        not_after: 2026-12-31T00:00:00Z # opens nothing from then on
//	      - key: k3
//	        protocols: [webhook]
//	        signing: {scheme: stripe, secret: <text>, tolerance: 5m}
//
// A key may hold a colon, where a protocol has two parts ("id:secret"). The same
// text may be given twice if no protocol is meant by both. To change a key, list
// the new one beside the old one, which gets a not_after.
//
// The package is pure: it reads bytes, not files, and starts nothing. A [Set]
// never changes after [Parse], so it may be used from any number of goroutines.
// Write keys are kept as SHA-256 only. Secrets of signatures have to be kept and
// given as they are: a file that holds one is for the service's eyes only. No
// message holds either.
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
	// Rate holds for all write keys of the project together.
	Rate Rate

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

// Grant is what a write key opens. Grants can be compared.
type Grant struct {
	// Project is never nil in a grant that Key returned.
	Project *Project
	// Source is the label that the file gives to the key, or empty.
	Source string
	Kind   Kind
	// Rate holds for the key, besides the project's.
	Rate Rate
	// Signing says how requests must be signed; nil when they need not be.
	Signing *Signing

	key *grant
}

// KeyID tells write keys apart: of every file that has a key with the same text,
// project and protocols it is the same. It is not the key's hash.
type KeyID [sha256.Size]byte

// ID returns the id of the key; that of a grant which Key did not return is zero.
func (g Grant) ID() KeyID {
	if g.key == nil {
		return KeyID{}
	}
	return g.key.id
}

// AllowsOrigin reports whether the key may be used by a page of this origin, as
// the header of that name gives it. Without one ("") it may: only browsers send
// it, and only they can be bound by it. A secret key is for no page at all. It
// allocates nothing.
func (g Grant) AllowsOrigin(origin string) bool {
	switch {
	case g.key == nil:
		return false
	case origin == "":
		return true
	}
	return g.Kind != Secret && g.key.origins.allows(origin)
}

// Set is the content of a projects file. A nil Set has no projects and no keys.
type Set struct {
	projects []*Project // sorted by ID
	byID     map[string]*Project
	byHash   map[[sha256.Size]byte]*grant
	origins  origins // of all public keys
}

// grant is a Grant with its scope; empty protocols mean every protocol, a zero
// notAfter for ever.
type grant struct {
	Grant
	id        KeyID
	path      string // in the file
	protocols []string
	origins   origins
	notAfter  time.Time
	next      *grant // of the same text, for other protocols
}

// Key returns what the write key opens at a time when it is used with the
// protocol, and whether it opens anything; an unknown key, a known one that is not
// for this protocol and one whose time is over answer alike.
//
// It allocates nothing. The plain key is never compared: only its SHA-256 is
// looked up, whose timing tells nothing about the keys of the set.
func (s *Set) Key(key []byte, protocol string, now time.Time) (Grant, bool) {
	if s == nil {
		return Grant{}, false
	}
	for g := s.byHash[sha256.Sum256(key)]; g != nil; g = g.next {
		if len(g.protocols) > 0 && !slices.Contains(g.protocols, protocol) {
			continue
		}
		if !g.notAfter.IsZero() && !now.Before(g.notAfter) {
			break // no other one has the protocol
		}
		return g.Grant, true
	}
	return Grant{}, false
}

// AllowsOrigin reports whether any public key may be used by a page of this
// origin: what can be said of a request whose key is not known yet, such as a
// preflight. It allocates nothing.
func (s *Set) AllowsOrigin(origin string) bool { return s != nil && s.origins.allows(origin) }

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
