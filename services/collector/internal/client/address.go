package client

import (
	"net/http"
	"net/netip"
	"slices"
	"strings"
)

// maxHops is how many entries of X-Forwarded-For are looked at: more proxies in a
// row than anybody has, fewer than an attacker would like us to parse.
const maxHops = 32

// Address returns the address of the client in text. It is that of the socket,
// unless the socket's is a trusted proxy: then the X-Forwarded-For header is read
// from its end, and the first address that is not a trusted proxy counts. Where
// the header ends or is not an address before one is found, the last trusted
// address counts, for nothing behind it is known.
func Address(r *http.Request, trusted []netip.Prefix) string {
	if len(trusted) == 0 {
		return socket(r.RemoteAddr)
	}
	port, err := netip.ParseAddrPort(r.RemoteAddr)
	if err != nil {
		return socket(r.RemoteAddr)
	}
	addr := port.Addr().Unmap().WithZone("")
	lines := r.Header["X-Forwarded-For"]
	hops := 0
	for _, line := range slices.Backward(lines) {
		for line := line; line != ""; hops++ {
			if hops == maxHops || !within(addr, trusted) {
				return addr.String()
			}
			var last string
			if comma := strings.LastIndexByte(line, ','); comma >= 0 {
				line, last = line[:comma], line[comma+1:]
			} else {
				line, last = "", line
			}
			next, ok := hop(strings.TrimSpace(last))
			if !ok {
				return addr.String()
			}
			addr = next
		}
	}
	return addr.String()
}

func within(addr netip.Addr, trusted []netip.Prefix) bool {
	for _, p := range trusted {
		if p.Contains(addr) {
			return true
		}
	}
	return false
}

// hop reads an address with or without a port.
func hop(s string) (netip.Addr, bool) {
	addr, err := netip.ParseAddr(strings.TrimSuffix(strings.TrimPrefix(s, "["), "]"))
	if err != nil {
		port, err := netip.ParseAddrPort(s)
		if err != nil {
			return netip.Addr{}, false
		}
		addr = port.Addr()
	}
	return addr.Unmap().WithZone(""), true
}

// socket cuts the port, the brackets and the zone off a socket's address.
func socket(remote string) string {
	if colon := strings.LastIndexByte(remote, ':'); colon >= 0 {
		remote = remote[:colon]
	}
	remote = strings.TrimSuffix(strings.TrimPrefix(remote, "["), "]")
	remote, _, _ = strings.Cut(remote, "%")
	return remote
}
