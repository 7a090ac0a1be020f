package projects

import (
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"
)

func grantOf(t testing.TB, s *Set, key, protocol string) Grant {
	t.Helper()
	g, ok := s.Key([]byte(key), protocol, time.Now())
	if !ok {
		t.Fatalf("key %s opens nothing for %s", key, protocol)
	}
	return g
}

// TestSameTextTwice: an id that several protocols use, each for its own project.
func TestSameTextTwice(t *testing.T) {
	s := mustParse(t, `
projects:
- {id: a, write_keys: [{key: "1", protocols: [matomo], source: first}, {sha256: `+hash("1")+`, protocols: [snowplow, ga4]}, "id:sec:ret"]}
- {id: b, write_keys: [{key: "1", protocols: [segment]}]}`)
	ids := map[KeyID]bool{}
	for protocol, project := range map[string]string{"matomo": "a", "snowplow": "a", "segment": "b"} {
		g := grantOf(t, s, "1", protocol)
		if g.Project.ID != project || (g.Source == "first") != (protocol == "matomo") {
			t.Errorf("the key opens %+v for %s, want project %s", g, protocol, project)
		}
		ids[g.ID()] = true
	}
	if len(ids) != 3 || ids[KeyID{}] {
		t.Errorf("%d ids of three keys", len(ids))
	}
	if _, ok := s.Key([]byte("1"), "jitsu", time.Now()); ok {
		t.Error("the key opens something for a protocol that it is not for")
	}
	if g := grantOf(t, s, "id:sec:ret", "jitsu"); g.Project.ID != "a" {
		t.Errorf("a key with colons opens %+v", g)
	}
}

// TestRotation: the old key opens until its time is over, the new one beside it.
func TestRotation(t *testing.T) {
	s := mustParse(t, "projects: [{id: shop, write_keys: [{key: old, not_after: 2026-12-31T00:00:00+01:00}, {key: new}]}]")
	end := time.Date(2026, 12, 30, 23, 0, 0, 0, time.UTC)
	for _, tt := range []struct {
		key  string
		at   time.Time
		want bool
	}{
		{"old", end.Add(-time.Nanosecond), true}, {"old", end, false}, {"old", end.AddDate(100, 0, 0), false}, {"old", time.Time{}, true},
		{"new", end.Add(-time.Nanosecond), true}, {"new", end.AddDate(100, 0, 0), true},
	} {
		if _, ok := s.Key([]byte(tt.key), "segment", tt.at); ok != tt.want {
			t.Errorf("key %s at %v: %v, want %v", tt.key, tt.at, ok, tt.want)
		}
	}
}

// TestID: what is counted for a key is still counted for it after the file was
// read again, whatever else changed in it.
func TestID(t *testing.T) {
	id := grantOf(t, mustParse(t, "projects: [{id: shop, write_keys: [{key: k, protocols: [a, b]}]}]"), "k", "a").ID()
	for file, same := range map[string]bool{
		"projects: [{id: shop, write_keys: [x, {sha256: " + hash("k") + ", protocols: [b, a], rate: {events_per_second: 1}}]}]": true,
		"projects: [{id: shop, write_keys: [{key: k, protocols: [a]}]}]":                                                        false,
		"projects: [{id: blog, write_keys: [{key: k, protocols: [a, b]}]}]":                                                     false,
	} {
		if got := grantOf(t, mustParse(t, file), "k", "a").ID(); (got == id) != same || got == sha256.Sum256([]byte("k")) {
			t.Errorf("%s: same id %v, want %v", file, got == id, same)
		}
	}
	if (Grant{}).ID() != (KeyID{}) {
		t.Error("a grant that is none has an id")
	}
}

func TestOrigins(t *testing.T) {
	s := mustParse(t, `
projects:
- id: shop
  write_keys:
  - {key: web, origins: [https://shop.example, "https://*.Shop.example", "http://localhost:3000", "http://*.dev.example:8080", "https://port.example:443", "capacitor://localhost", "http://[::1]:5000", "null"]}
  - {key: server, kind: secret}
- id: blog
  write_keys: [{key: blog, origins: ["https://blog.example", "http://*.shop.example"]}]`)
	open := mustParse(t, "projects: [{id: shop, write_keys: [k1, {key: web, origins: [https://shop.example]}]}]")
	closed := mustParse(t, "projects: [{id: shop, write_keys: [{key: server, kind: secret}]}]")
	web, blog, server := grantOf(t, s, "web", "a"), grantOf(t, s, "blog", "a"), grantOf(t, s, "server", "a")
	every, only, secret := grantOf(t, open, "k1", "a"), grantOf(t, open, "web", "a"), grantOf(t, closed, "server", "a")
	for _, tt := range []struct {
		origin          string
		web, blog, only bool
	}{
		{"https://shop.example", true, false, true},
		{"https://www.shop.example", true, false, false},
		{"https://a.b.shop.example", true, false, false},
		{"http://www.shop.example", false, true, false},
		{"https://blog.example", false, true, false},
		{"https://shop.example.evil.example", false, false, false},
		{"https://evilshop.example", false, false, false},
		{"https://.shop.example", false, false, false},
		{"https://www.shop.example:8443", false, false, false},
		{"https://evil.example/.shop.example", false, false, false},
		{"https://evil.example#.shop.example", false, false, false},
		{"https://evil.example:1.shop.example", false, false, false},
		{"https://evil@www.shop.example", false, false, false},
		{"http://localhost:3000", true, false, false},
		{"http://localhost", false, false, false},
		{"http://x.dev.example:8080", true, false, false},
		{"http://x.dev.example", false, false, false},
		{"https://port.example", true, false, false},
		{"https://port.example:443", false, false, false},
		{"capacitor://localhost", true, false, false},
		{"http://[::1]:5000", true, false, false},
		{"null", true, false, false},
		{"shop.example", false, false, false},
		{"://", false, false, false},
		{"https://", false, false, false},
		{"https://" + strings.Repeat("a.", 5000) + "shop.example", true, false, false},
	} {
		if web.AllowsOrigin(tt.origin) != tt.web || blog.AllowsOrigin(tt.origin) != tt.blog || only.AllowsOrigin(tt.origin) != tt.only {
			t.Errorf("%.60s: web %v, blog %v, only %v; want %v, %v, %v", tt.origin,
				web.AllowsOrigin(tt.origin), blog.AllowsOrigin(tt.origin), only.AllowsOrigin(tt.origin), tt.web, tt.blog, tt.only)
		}
		if s.AllowsOrigin(tt.origin) != (tt.web || tt.blog) {
			t.Errorf("%.60s: the set says %v", tt.origin, s.AllowsOrigin(tt.origin))
		}
		if server.AllowsOrigin(tt.origin) || secret.AllowsOrigin(tt.origin) || closed.AllowsOrigin(tt.origin) {
			t.Errorf("%.60s: a secret key may be used by a page", tt.origin)
		}
		if !every.AllowsOrigin(tt.origin) || !open.AllowsOrigin(tt.origin) {
			t.Errorf("%.60s: refused by a key for every origin", tt.origin)
		}
	}
	for name, g := range map[string]Grant{"web": web, "server": server, "every": every} {
		if !g.AllowsOrigin("") {
			t.Errorf("%s: a request without an origin is refused", name)
		}
	}
	if (Grant{}).AllowsOrigin("") || (Grant{}).AllowsOrigin("https://shop.example") || (*Set)(nil).AllowsOrigin("https://shop.example") {
		t.Error("what is no grant allows an origin")
	}
	if n := testing.AllocsPerRun(100, func() {
		if !web.AllowsOrigin("https://a.b.shop.example") || s.AllowsOrigin("https://a.b.other.example") || !s.AllowsOrigin("https://blog.example") {
			t.Error("wrong answer")
		}
	}); n != 0 {
		t.Errorf("AllowsOrigin allocates %v times, want 0", n)
	}
}

func TestRates(t *testing.T) {
	s := mustParse(t, `
projects:
- {id: shop, rate: {per_client_per_second: 5}, write_keys: [a, {key: b, rate: {events_per_second: 1.5}}, {key: c, rate: {events_per_second: 100, burst: 7, per_client_per_second: 0.5}}, {key: d, rate: {events_per_second: 0.01}}]}`)
	p, _ := s.Project("shop")
	if p.Rate != (Rate{PerClientPerSecond: 5}) {
		t.Errorf("the project's rate is %+v", p.Rate)
	}
	for key, want := range map[string]Rate{"a": {}, "b": {1.5, 15, 0}, "c": {100, 7, 0.5}, "d": {0.01, 1, 0}} {
		if got := grantOf(t, s, key, "segment").Rate; got != want {
			t.Errorf("the rate of %s is %+v, want %+v", key, got, want)
		}
	}
}

func TestSigning(t *testing.T) {
	s := mustParse(t, `
projects:
- {id: shop, write_keys: [a, {key: b, protocols: [webhook], signing: {scheme: stripe, secret: whsec_opensesame}}, {key: c, protocols: [webhook], signing: {scheme: svix, secret: whsec_b3BlbnNlc2FtZQ==, tolerance: 1h}}]}`)
	if got := grantOf(t, s, "a", "webhook").Signing; got != nil {
		t.Errorf("a: %+v, want none", got)
	}
	if got := grantOf(t, s, "b", "webhook").Signing; *got != (Signing{SignedStripe, "whsec_opensesame", 5 * time.Minute}) {
		t.Errorf("b: %+v", got)
	}
	got := grantOf(t, s, "c", "webhook").Signing
	if *got != (Signing{SignedSvix, "opensesame", time.Hour}) {
		t.Errorf("c: %+v", got)
	}
	encoded, err := json.Marshal(got)
	if err != nil {
		t.Fatal(err)
	}
	for _, text := range []string{
		string(encoded), fmt.Sprint(got), fmt.Sprint(*got), fmt.Sprintf("%+v", got), fmt.Sprintf("%#v", *got), fmt.Sprintf("%x %q", got.Secret, got.Secret),
		fmt.Sprintf("%+v", grantOf(t, s, "c", "webhook")), fmt.Sprintf("%+v", *s),
	} {
		if strings.Contains(text, "opensesame") || strings.Contains(text, fmt.Sprintf("%x", "opensesame")) {
			t.Errorf("shows the secret: %s", text)
		}
	}
}

func BenchmarkAllowsOrigin(b *testing.B) {
	s := mustParse(b, `projects: [{id: shop, write_keys: [{key: k, origins: ["https://shop.example", "https://*.shop.example"]}]}]`)
	g := grantOf(b, s, "k", "segment")
	for _, origin := range []string{"https://shop.example", "https://www.shop.example", "https://www.other.example"} {
		b.Run(origin[8:], func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				g.AllowsOrigin(origin)
			}
		})
	}
}
