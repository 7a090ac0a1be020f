package projects

import (
	"crypto/sha256"
	"encoding/hex"
	"slices"
	"time"

	"github.com/goccy/go-yaml/ast"
)

// maxKeyBytes bounds a write key; generated ones have 32 to 64 characters.
const maxKeyBytes = 256

// writeKey reads a write key: its text, or a mapping. Nothing it notes quotes
// the file.
func (p *parse) writeKey(n ast.Node, path string, project *Project) {
	g := &grant{Grant: Grant{Project: project, Kind: Public}, origins: origins{every: true}}
	g.Grant.key = g
	if _, ok := n.(ast.MapNode); !ok {
		if hash, ok := p.plainKey(n, path); ok {
			p.grant(n, path, hash, g)
		}
		return
	}
	entries := p.mapping(n, path, true, "key", "sha256", "protocols", "kind", "source",
		"origins", "rate", "not_after", "signing")
	if e, ok := entries["protocols"]; ok {
		g.protocols = p.protocols(e)
	}
	if e, ok := entries["kind"]; ok {
		if text, ok := p.text(e.value, e.path); ok {
			if g.Kind = Kind(text); g.Kind != Public && g.Kind != Secret {
				p.addf(e.value, e.path, "want public or secret")
			}
		}
	}
	if e, ok := entries["source"]; ok {
		if text, ok := p.text(e.value, e.path); ok {
			if g.Source = text; !isName(text) {
				p.addf(e.value, e.path, "want 1 to 63 of a-z, 0-9, _ and -, the first a letter or digit")
			}
		}
	}
	if e, ok := entries["origins"]; ok {
		g.origins = p.origins(e)
		if g.Kind == Secret {
			p.addf(e.value, e.path, "a secret key is for servers, which have no origin")
		}
	}
	if e, ok := entries["rate"]; ok {
		g.Rate = p.rate(e)
	}
	if e, ok := entries["not_after"]; ok {
		if text, ok := p.text(e.value, e.path); ok {
			var err error
			if g.notAfter, err = time.Parse(time.RFC3339, text); err != nil || g.notAfter.IsZero() {
				p.addf(e.value, e.path, "want a time such as 2026-12-31T00:00:00Z")
			}
		}
	}
	if e, ok := entries["signing"]; ok {
		g.Signing = p.signing(e)
		// Only webhooks look at signatures: with another protocol the key would
		// open its project unsigned.
		if !slices.Equal(g.protocols, []string{"webhook"}) {
			p.addf(e.value, e.path, "a signed key wants protocols: [webhook]")
		}
	}
	plain, hasPlain := entries["key"]
	hashed, hasHash := entries["sha256"]
	switch {
	case hasPlain && hasHash:
		p.addf(n, path, "want either key or sha256, got both")
	case hasPlain:
		if hash, ok := p.plainKey(plain.value, plain.path); ok {
			p.grant(plain.value, plain.path, hash, g)
		}
	case hasHash:
		text, ok := p.text(hashed.value, hashed.path)
		if !ok {
			return
		}
		var hash [sha256.Size]byte
		if len(text) != hex.EncodedLen(len(hash)) {
			p.addf(hashed.value, hashed.path, "want 64 hex digits, got %d characters", len(text))
		} else if _, err := hex.Decode(hash[:], []byte(text)); err != nil {
			p.addf(hashed.value, hashed.path, "want 64 hex digits, got other characters")
		} else {
			p.grant(hashed.value, hashed.path, hash, g)
		}
	default:
		p.addf(n, path, "want key or sha256, got neither")
	}
}

// plainKey returns the hash of a write key. Keys travel in headers, URLs and JSON;
// some protocols join two texts with a colon.
func (p *parse) plainKey(n ast.Node, path string) (hash [sha256.Size]byte, ok bool) {
	text, ok := p.text(n, path)
	switch {
	case !ok:
		return hash, false
	case text == "" || len(text) > maxKeyBytes:
		p.addf(n, path, "want 1 to %d characters, got %d", maxKeyBytes, len(text))
		return hash, false
	case slices.ContainsFunc([]byte(text), func(c byte) bool { return c <= ' ' || c > '~' }):
		p.addf(n, path, "want printable ASCII without spaces")
		return hash, false
	}
	return sha256.Sum256([]byte(text)), true
}

// grant adds the key to the set unless a key of the same text, in whatever form,
// is there already for one of its protocols.
func (p *parse) grant(n ast.Node, path string, hash [sha256.Size]byte, g *grant) {
	for other := p.set.byHash[hash]; other != nil; other = other.next {
		if g.overlaps(other) {
			p.addf(n, path, "already used at %s", other.path)
			return
		}
	}
	g.id, g.path, g.next = g.identify(hash), path, p.set.byHash[hash]
	p.set.byHash[hash] = g
	if g.Kind == Public {
		p.set.origins.merge(&g.origins)
	}
}

// overlaps reports whether one protocol may be meant by both.
func (g *grant) overlaps(other *grant) bool {
	if len(g.protocols) == 0 || len(other.protocols) == 0 {
		return true
	}
	return slices.ContainsFunc(g.protocols, func(name string) bool { return slices.Contains(other.protocols, name) })
}

// identify returns the name of the grant: the same for the same entry of the next
// version of the file, and of no use to find the key.
func (g *grant) identify(hash [sha256.Size]byte) KeyID {
	text := slices.Concat(hash[:], []byte(g.Project.ID))
	for _, name := range slices.Sorted(slices.Values(g.protocols)) {
		text = append(append(text, 0), name...)
	}
	return sha256.Sum256(text)
}

// protocols reads the scope of a key. Which protocols there are is up to the
// collector; a name that it does not know opens nothing.
func (p *parse) protocols(e entry) []string {
	var names []string
	for i, n := range p.list(e.value, e.path) {
		path := index(e.path, i)
		text, ok := p.text(n, path)
		switch {
		case !ok:
		case !isName(text):
			p.addf(n, path, "want the name of a protocol, such as segment")
		case slices.Contains(names, text):
			p.addf(n, path, "is listed twice")
		default:
			names = append(names, text)
		}
	}
	return names
}
