package projects

import (
	"crypto/sha256"
	"encoding/hex"
	"slices"

	"github.com/goccy/go-yaml/ast"
)

// maxKeyBytes bounds a write key; generated ones have 32 to 64 characters.
const maxKeyBytes = 256

// writeKey reads a write key: its text, or a mapping. Nothing it notes quotes
// the file.
func (p *parse) writeKey(n ast.Node, path string, project *Project) {
	g := grant{Grant: Grant{Project: project, Kind: Public}}
	if _, ok := n.(ast.MapNode); !ok {
		if hash, ok := p.plainKey(n, path); ok {
			p.grant(n, path, hash, g)
		}
		return
	}
	entries := p.mapping(n, path, true, "key", "sha256", "protocols", "kind", "source")
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

// plainKey returns the hash of a write key. Keys travel as user names of HTTP
// basic authentication, which end at a colon, and inside URLs and JSON.
func (p *parse) plainKey(n ast.Node, path string) (hash [sha256.Size]byte, ok bool) {
	text, ok := p.text(n, path)
	switch {
	case !ok:
		return hash, false
	case text == "" || len(text) > maxKeyBytes:
		p.addf(n, path, "want 1 to %d characters, got %d", maxKeyBytes, len(text))
		return hash, false
	case slices.ContainsFunc([]byte(text), func(c byte) bool { return c <= ' ' || c > '~' || c == ':' }):
		p.addf(n, path, "want printable ASCII without spaces and colons")
		return hash, false
	}
	return sha256.Sum256([]byte(text)), true
}

// grant adds the key to the set unless it is there already, in whatever form.
func (p *parse) grant(n ast.Node, path string, hash [sha256.Size]byte, g grant) {
	if first, ok := p.keys[hash]; ok {
		p.addf(n, path, "already used at %s", first)
		return
	}
	p.keys[hash] = path
	p.set.byHash[hash] = g
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
