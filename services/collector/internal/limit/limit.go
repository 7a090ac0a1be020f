// Package limit says whether events may come in now, by the rates that the
// projects file gives to write keys and projects: of all clients together, and of
// each client network.
//
// It reads a grant and an address and guarantees that no more is let through than
// a burst and the rate allow, that a refused request costs its sender nothing, and
// that its memory is bounded however many addresses an attacker has. A network
// that is forgotten starts anew with a full burst.
package limit

import (
	"hash/maphash"
	"net/netip"
	"time"

	"touchline.dev/schemas/projects"
)

// Config bounds what a Limiter remembers.
type Config struct {
	// Clients is the most client networks and the most keys; each takes about 150
	// bytes.
	Clients int
}

// Default remembers 65,536 networks: 10 MB. A network is forgotten when as many
// others have sent something since.
func Default() Config { return Config{Clients: 1 << 16} }

// Limiter counts. It may be used concurrently.
type Limiter struct {
	start   time.Time
	seed    maphash.Seed
	keys    *table
	clients *table
}

// New returns a Limiter to which everybody is new.
func New(cfg Config) *Limiter {
	return &Limiter{start: time.Now(), seed: maphash.MakeSeed(), keys: newTable(cfg.Clients), clients: newTable(cfg.Clients)}
}

// owner is whose bucket it is: a key's or, with a zero id, a project's; as a whole
// or of one network.
type owner struct {
	id      projects.KeyID
	project string
	network netip.Prefix
}

// Take reports whether a request with so many events, at least one, may come in,
// and counts it if so. Otherwise retryAfter is how long the sender should wait
// until the same request is let through, if nobody sends anything in between.
//
// A request that is larger than a burst passes after a pause long enough for a
// burst, and what it took too much is waited for afterwards. Without an address
// the rates of clients are not applied.
//
// It allocates nothing for clients that it remembers, and does nothing where no
// rate is set.
func (l *Limiter) Take(grant projects.Grant, client netip.Addr, events int, now time.Time) (ok bool, retryAfter time.Duration) {
	own, shared := grant.Rate, grant.Project.Rate
	if own == (projects.Rate{}) && shared == (projects.Rate{}) {
		return true, 0
	}
	var from netip.Prefix
	if client.IsValid() {
		from = network(client)
	} else {
		own.PerClientPerSecond, shared.PerClientPerSecond = 0, 0
	}
	project := grant.Project.ID
	buckets := [...]bucket{
		{l.clients, own.PerClientPerSecond, clientBurst(own), owner{id: grant.ID(), network: from}},
		{l.clients, shared.PerClientPerSecond, clientBurst(shared), owner{project: project, network: from}},
		{l.keys, own.EventsPerSecond, float64(own.Burst), owner{id: grant.ID()}},
		{l.keys, shared.EventsPerSecond, float64(shared.Burst), owner{project: project}},
	}
	at, n := now.Sub(l.start), float64(max(events, 1))
	for i := range buckets {
		if retryAfter = buckets[i].take(l.seed, at, n); retryAfter > 0 {
			for j := range i {
				buckets[j].giveBack(l.seed, n)
			}
			return false, retryAfter
		}
	}
	return true, 0
}

// bucket is one rate, as it holds for one owner.
type bucket struct {
	table *table
	rate  float64
	burst float64
	owner owner
}

func (b *bucket) take(seed maphash.Seed, at time.Duration, n float64) (wait time.Duration) {
	if b.rate == 0 {
		return 0
	}
	return b.table.take(maphash.Comparable(seed, b.owner), at, b.time(n), b.time(b.burst-min(n, b.burst)))
}

func (b *bucket) giveBack(seed maphash.Seed, n float64) {
	if b.rate != 0 {
		b.table.giveBack(maphash.Comparable(seed, b.owner), b.time(n))
	}
}

// time is how long the rate takes for n events.
func (b *bucket) time(n float64) time.Duration {
	return time.Duration(n / b.rate * float64(time.Second))
}

// clientBurst is how many events a network may send at once.
func clientBurst(r projects.Rate) float64 {
	return max(1, r.PerClientPerSecond*projects.BurstTime.Seconds())
}

// network is what counts as one client: who has one address of an IPv4 /24 or an
// IPv6 /56 may well have all of them.
func network(client netip.Addr) netip.Prefix {
	client = client.Unmap()
	bits := 24
	if client.Is6() {
		bits = 56
	}
	p, err := client.Prefix(bits)
	if err != nil { // only for too many bits
		return netip.Prefix{}
	}
	return p
}
