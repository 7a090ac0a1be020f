package projects

import (
	"net/netip"
	"strings"

	"github.com/goccy/go-yaml/ast"
)

// origins is a set of origins in their serialised form ("https://shop.example",
// the port only where it is not the scheme's own, all in lower case), as browsers
// send them. The zero value holds none.
type origins struct {
	every bool
	exact map[string]bool
	// wild holds, for each ".shop.example" or ".shop.example:8443", the schemes
	// that any name before it may have.
	wild map[string]map[string]bool
}

// allows reports whether the set holds the origin. It allocates nothing and takes
// time linear in the length of the origin.
func (o *origins) allows(origin string) bool {
	if o.every || o.exact[origin] {
		return true
	}
	if len(o.wild) == 0 {
		return false
	}
	scheme, host, ok := strings.Cut(origin, "://")
	if !ok {
		return false
	}
	for i := 0; i < len(host); i++ {
		switch c := host[i]; {
		case c == '.':
			if i > 0 && o.wild[host[i:]][scheme] {
				return true
			}
		case c >= 'a' && c <= 'z', c >= '0' && c <= '9', c == '-', c == '_':
		default:
			return false // no name ends in a wildcard's after this
		}
	}
	return false
}

func (o *origins) add(origin string) {
	if o.exact == nil {
		o.exact = map[string]bool{}
	}
	o.exact[origin] = true
}

// addBelow adds the origins whose names end in host, which begins with a dot.
func (o *origins) addBelow(scheme, host string) {
	if o.wild == nil {
		o.wild = map[string]map[string]bool{}
	}
	if o.wild[host] == nil {
		o.wild[host] = map[string]bool{}
	}
	o.wild[host][scheme] = true
}

// merge adds what the other set holds.
func (o *origins) merge(other *origins) {
	o.every = o.every || other.every
	for origin := range other.exact {
		o.add(origin)
	}
	for host, schemes := range other.wild {
		for scheme := range schemes {
			o.addBelow(scheme, host)
		}
	}
}

// maxOrigins bounds a list of origins.
const maxOrigins = 1000

// origins reads the origins of a key.
func (p *parse) origins(e entry) origins {
	var set origins
	values := p.list(e.value, e.path)
	if len(values) > maxOrigins {
		p.addf(e.value, e.path, "want at most %d, got %d", maxOrigins, len(values))
		return set
	}
	for i, n := range values {
		p.origin(n, index(e.path, i), &set)
	}
	return set
}

func (p *parse) origin(n ast.Node, path string, set *origins) {
	text, ok := p.text(n, path)
	if !ok {
		return
	}
	scheme, host, wild, ok := parseOrigin(text)
	origin := scheme + "://" + host
	if text == "null" {
		origin, ok = text, true // of files, and of pages without an origin
	}
	switch {
	case !ok:
		p.addf(n, path, "want an origin such as https://shop.example or https://*.shop.example, without a path")
	case set.exact[origin] || set.wild[host][scheme]:
		p.addf(n, path, "is listed twice")
	case wild:
		set.addBelow(scheme, host)
	default:
		set.add(origin)
	}
}

// parseOrigin reads an origin in the form that browsers send, or, with "*." before
// the name, all those below it; then host begins with the dot.
func parseOrigin(text string) (scheme, host string, wild, ok bool) {
	scheme, host, ok = strings.Cut(strings.ToLower(text), "://")
	if !ok || !isScheme(scheme) {
		return "", "", false, false
	}
	host, wild = strings.CutPrefix(host, "*.")
	name, port, hasPort := cutPort(host)
	if hasPort && !isPort(port) || !isHost(name) && (wild || !isBracketed(name)) || wild && !strings.Contains(name, ".") {
		return "", "", false, false
	}
	if scheme == "https" && port == "443" || scheme == "http" && port == "80" {
		host = name
	}
	if wild {
		host = "." + host
	}
	return scheme, host, wild, true
}

// isBracketed reports whether s is an IPv6 address as an origin writes it.
func isBracketed(s string) bool {
	inner, ok := strings.CutPrefix(s, "[")
	inner, closed := strings.CutSuffix(inner, "]")
	addr, err := netip.ParseAddr(inner)
	return ok && closed && err == nil && addr.Is6() && addr.Zone() == ""
}

// cutPort cuts ":8443" off; the colons of an address in brackets are not ports.
func cutPort(host string) (name, port string, found bool) {
	i := strings.LastIndexByte(host, ':')
	if i < 0 || strings.Contains(host[i:], "]") {
		return host, "", false
	}
	return host[:i], host[i+1:], true
}

// isPort reports whether s is a port as an origin writes it.
func isPort(s string) bool {
	n := 0
	for _, c := range []byte(s) {
		if c < '0' || c > '9' || n > 65535 {
			return false
		}
		n = 10*n + int(c-'0')
	}
	return s != "" && s[0] != '0' && n <= 65535
}

// isScheme reports whether s is a scheme in lower case; apps have their own, such
// as capacitor://localhost.
func isScheme(s string) bool {
	return s != "" && s[0] >= 'a' && s[0] <= 'z' && strings.Trim(s, "abcdefghijklmnopqrstuvwxyz0123456789+-.") == ""
}
