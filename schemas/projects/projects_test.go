package projects

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"
)

func mustParse(t testing.TB, text string) *Set {
	t.Helper()
	s, err := Parse([]byte(text))
	if err != nil {
		t.Fatalf("parse projects: %v", err)
	}
	return s
}

func hash(key string) string {
	sum := sha256.Sum256([]byte(key))
	return hex.EncodeToString(sum[:])
}

// opened is what of a grant can be written down.
type opened struct {
	project *Project
	source  string
	kind    Kind
}

func TestSmallestFile(t *testing.T) {
	s := mustParse(t, "projects: [{id: shop, write_keys: [k1, k2]}]")
	for _, key := range []string{"k1", "k2"} {
		g, ok := s.Key([]byte(key), "segment", time.Now())
		if !ok || g.Project.ID != "shop" || g.Kind != Public || g.Source != "" {
			t.Errorf("Key(%s) = %+v, %v; want project shop, public, no source", key, g, ok)
		}
	}
	p, ok := s.Project("shop")
	want := Limits{MaxEventBytes: 256 << 10, MaxEventsPerRequest: 5000, MaxAge: 400 * 24 * time.Hour}
	if !ok || p.TimeZone != "UTC" || p.Currency != "" || p.Domains != nil || p.Limits != want {
		t.Errorf("Project(shop) = %+v, %v; want the defaults", p, ok)
	}
}

func TestEverySetting(t *testing.T) {
	s := mustParse(t, `
projects:
  - id: z-shop
    write_keys: ["0123", 0x10, 1e5, true, "]["]
  - id: shop
    time_zone: Europe/Berlin
    currency: EUR
    domains: [Shop.example, localhost]
    limits: {max_event_bytes: 1MiB, max_events_per_request: 7, max_age: 36h}
    write_keys:
      - {key: server, protocols: [segment, matomo], kind: secret, source: backend}
      - {sha256: `+strings.ToUpper(hash("hashed"))+`, source: web}
`)
	p, _ := s.Project("shop")
	if p.TimeZone != "Europe/Berlin" || p.Currency != "EUR" || !slices.Equal(p.Domains, []string{"shop.example", "localhost"}) ||
		p.Limits != (Limits{MaxEventBytes: 1 << 20, MaxEventsPerRequest: 7, MaxAge: 36 * time.Hour}) {
		t.Errorf("Project(shop) = %+v", p)
	}
	all := s.All()
	if len(all) != 2 || all[0].ID != "shop" || all[1].ID != "z-shop" || all[0] != p {
		t.Errorf("All() = %v, want shop, z-shop", all)
	}
	all[0] = nil
	if s.All()[0] != p {
		t.Error("All() hands out the set's own slice")
	}
	tests := []struct {
		key, protocol string
		want          opened
	}{
		{"server", "segment", opened{p, "backend", Secret}},
		{"server", "matomo", opened{p, "backend", Secret}},
		{"server", "ga4", opened{}},
		{"server", "", opened{}},
		{"hashed", "ga4", opened{p, "web", Public}},
		{hash("hashed"), "segment", opened{}},
		{hash("server"), "segment", opened{}},
		{"Server", "segment", opened{}},
		{"server ", "segment", opened{}},
		{"", "segment", opened{}},
		{"0123", "segment", opened{s.All()[1], "", Public}},
		{"0x10", "segment", opened{s.All()[1], "", Public}},
		{"1e5", "segment", opened{s.All()[1], "", Public}},
		{"true", "segment", opened{s.All()[1], "", Public}},
		{"][", "segment", opened{s.All()[1], "", Public}},
	}
	for _, tt := range tests {
		g, ok := s.Key([]byte(tt.key), tt.protocol, time.Now())
		if got := (opened{g.Project, g.Source, g.Kind}); got != tt.want || ok != (tt.want.project != nil) {
			t.Errorf("Key(%q, %q) = %+v, %v; want %+v", tt.key, tt.protocol, got, ok, tt.want)
		}
	}
}

func TestNilSet(t *testing.T) {
	var s *Set
	if _, ok := s.Key([]byte("k"), "segment", time.Now()); ok {
		t.Error("Key of a nil set opens something")
	}
	if _, ok := s.Project("shop"); ok || s.All() != nil || len(s.Zones()) != 0 || s.ZoneChanges(map[string]string{"shop": "UTC"}) != nil {
		t.Error("a nil set is not empty")
	}
}

// TestProblems holds every message against a file; secret stands in each place
// where a write key may be given, and no message may show it.
func TestProblems(t *testing.T) {
	const ok = ", write_keys: [k1]}]"
	tests := []struct{ name, file, want string }{
		{"empty", "", "no projects; want at least projects: [{id: shop, write_keys: [k1]}]"},
		{"comment", "# nothing\n", "no projects; want at least projects: [{id: shop, write_keys: [k1]}]"},
		{"no key projects", "{}", "no projects; want at least projects: [{id: shop, write_keys: [k1]}]"},
		{"empty list", "projects: []", "line 1: projects: is empty"},
		{"null list", "projects:\n", "line 1: projects: want a list, got nothing"},
		{"not a mapping", "- shop", "line 1: want a mapping, got a list"},
		{"two documents", "projects: [{id: a" + ok + "\n---\nprojects: []\n", "line 3: want one document, found another"},
		{"syntax", "projects: [{id: a, write_keys: [\"secret]}]", "line 1: not valid YAML"},
		{"not UTF-8", "projects:\n- id: \xff", "line 2: not UTF-8 text"},
		{"NUL", "projects:\n- id: \"a\x00\"", "line 2: not UTF-8 text"},
		{"deep flow", strings.Repeat("[\n", 5000), "line 1001: nested too deeply"},
		{"deep block", strings.Repeat("- ", 5000), "line 1: nested too deeply"},
		{"unclosed flow", strings.Repeat("[", 1000), "line 1: not valid YAML"},
		{"unclosed map", strings.Repeat("{a: ", 1000), "line 1: not valid YAML"},
		{"nested block", strings.Repeat("- ", 128), "line 1: want a mapping, got a list"},
		{"too large", strings.Repeat("#", MaxFileBytes+1), "larger than 8388608 bytes"},
		{"anchor", "projects: &a\n- {id: a, write_keys: [k1]}", "line 1: projects: want a list, got an anchor, alias or tag, which are not supported"},
		{"alias key", "projects:\n- {id: a, write_keys: [*secret]}", "line 2: projects[0].write_keys[0]: want a single value, got an anchor, alias or tag, which are not supported"},
		{"unknown key", "projects:\n- id: a\n  timezone: UTC\n  write_keys: [k1]\n",
			`line 3: projects[0]: unknown key "timezone", want one of id, time_zone, currency, domains, limits, rate, write_keys`},
		{"unknown top key", "project: 1", "line 1: unknown key \"project\", want one of projects"},
		{"key twice", "projects:\n- id: a\n  id: b\n  write_keys: [k1]\n", "line 3: projects[0].id: already given on line 2"},
		{"project is text", "projects: [shop]", "line 1: projects[0]: want a mapping, got a single value"},
		{"missing", "projects: [{currency: EUR}]", "line 1: projects[0].id: is missing\nline 1: projects[0].write_keys: is missing"},
		{"no write keys", "projects: [{id: a, write_keys: []}]", "line 1: projects[0].write_keys: is empty"},
		{"upper id", "projects: [{id: Shop" + ok, `line 1: projects[0].id: want 1 to 63 of a-z, 0-9, _ and -, the first a letter or digit, got "Shop"`},
		{"id escape", `projects: [{id: "a\0b"` + ok, `line 1: projects[0].id: want 1 to 63 of a-z, 0-9, _ and -, the first a letter or digit, got "a\x00b"`},
		{"long id", "projects: [{id: " + strings.Repeat("a", 64) + ok,
			`line 1: projects[0].id: want 1 to 63 of a-z, 0-9, _ and -, the first a letter or digit, got "` + strings.Repeat("a", 60) + `..."`},
		{"id twice", "projects:\n- {id: a, write_keys: [k1]}\n- {id: a, write_keys: [k2]}", "line 3: projects[1].id: a is already the id of projects[0]"},
		{"zone", "projects: [{id: a, time_zone: Mars/Base" + ok, `line 1: projects[0].time_zone: want a time zone such as Europe/Berlin, got "Mars/Base"`},
		{"local zone", "projects: [{id: a, time_zone: Local" + ok, `line 1: projects[0].time_zone: want a time zone such as Europe/Berlin, got "Local"`},
		{"empty zone", "projects: [{id: a, time_zone: ''" + ok, `line 1: projects[0].time_zone: want a time zone such as Europe/Berlin, got ""`},
		{"zone path", "projects: [{id: a, time_zone: ../../etc/passwd" + ok, `line 1: projects[0].time_zone: want a time zone such as Europe/Berlin, got "../../etc/passwd"`},
		{"currency", "projects: [{id: a, currency: eur" + ok, `line 1: projects[0].currency: want three upper-case letters such as EUR, got "eur"`},
		{"domain", "projects: [{id: a, domains: ['https://a.example', a.example, A.example, -x]" + ok,
			"line 1: projects[0].domains[0]: want a host name such as shop.example, without scheme, port and path, got \"https://a.example\"\n" +
				"line 1: projects[0].domains[2]: a.example is listed twice\n" +
				"line 1: projects[0].domains[3]: want a host name such as shop.example, without scheme, port and path, got \"-x\""},
		{"limits", "projects: [{id: a, limits: {max_event_bytes: 2MiB, max_events_per_request: 0, max_age: 1m, x: 1}" + ok,
			"line 1: projects[0].limits: unknown key \"x\", want one of max_event_bytes, max_events_per_request, max_age\n" +
				"line 1: projects[0].limits.max_event_bytes: want a size from 1KiB to 1MiB, got \"2MiB\"\n" +
				"line 1: projects[0].limits.max_events_per_request: want a whole number from 1 to 100000, got \"0\"\n" +
				"line 1: projects[0].limits.max_age: want a duration from 1h to 36500d, such as 400d, got \"1m\""},
		{"huge limits", "projects: [{id: a, limits: {max_event_bytes: 2147483647MiB, max_age: 99999999d}" + ok,
			"line 1: projects[0].limits.max_event_bytes: want a size from 1KiB to 1MiB, got \"2147483647MiB\"\n" +
				"line 1: projects[0].limits.max_age: want a duration from 1h to 36500d, such as 400d, got \"99999999d\""},
		{"keys as text", "projects: [{id: a, write_keys: secret}]", "line 1: projects[0].write_keys: want a list, got a single value"},
		{"key used twice", "projects:\n- {id: a, write_keys: [secret]}\n- {id: b, write_keys: [{key: secret}]}",
			"line 3: projects[1].write_keys[0].key: already used at projects[0].write_keys[0]"},
		{"key used twice, hashed", "projects:\n- {id: a, write_keys: [{sha256: " + hash("secret") + "}]}\n- {id: b, write_keys: [secret]}",
			"line 3: projects[1].write_keys[0]: already used at projects[0].write_keys[0].sha256"},
		{"key in key's place", "projects: [{id: a, write_keys: [{secret: web}]}]",
			"line 1: projects[0].write_keys[0]: unknown key, want one of key, sha256, protocols, kind, source, origins, rate, not_after, signing\n" +
				"line 1: projects[0].write_keys[0]: want key or sha256, got neither"},
		{"key and hash", "projects: [{id: a, write_keys: [{key: secret, sha256: " + hash("secret") + "}]}]", "line 1: projects[0].write_keys[0]: want either key or sha256, got both"},
		{"key settings", "projects: [{id: a, write_keys: [{key: secret, kind: secret2, source: se cret, protocols: [secret, secret, SECRET]}]}]",
			"line 1: projects[0].write_keys[0].protocols[1]: is listed twice\n" +
				"line 1: projects[0].write_keys[0].protocols[2]: want the name of a protocol, such as segment\n" +
				"line 1: projects[0].write_keys[0].kind: want public or secret\n" +
				"line 1: projects[0].write_keys[0].source: want 1 to 63 of a-z, 0-9, _ and -, the first a letter or digit"},
		{"no protocols", "projects: [{id: a, write_keys: [{key: secret, protocols: []}]}]", "line 1: projects[0].write_keys[0].protocols: is empty"},
		{"key with space", "projects: [{id: a, write_keys: ['secret key']}]", "line 1: projects[0].write_keys[0]: want printable ASCII without spaces"},
		{"key used twice, protocols", "projects:\n- {id: a, write_keys: [{key: secret, protocols: [matomo, ga4]}, {key: secret, protocols: [segment]}]}\n- {id: b, write_keys: [{key: secret, protocols: [jitsu, ga4]}]}",
			"line 3: projects[1].write_keys[0].key: already used at projects[0].write_keys[0].key"},
		{"key used twice, every protocol", "projects: [{id: a, write_keys: [{key: secret, protocols: [matomo]}, secret]}]",
			"line 1: projects[0].write_keys[1]: already used at projects[0].write_keys[0].key"},
		{"origins", "projects: [{id: a, write_keys: [{key: secret, origins: ['https://secret.example/', '*', '*://a.example', 'https://*', 'https://*.example', 'https://a.*.example', secret.example, 'https://a.example:0', 'https://[::1', ~, 'https://u@a.example', 'HTTPS://A.example', 'https://a.example:443', 'https://*.a.example:x']}]}]",
			strings.Join(slices.Concat(
				numbered("line 1: projects[0].write_keys[0].origins[%d]: want an origin such as https://shop.example or https://*.shop.example, without a path", 0, 9),
				[]string{"line 1: projects[0].write_keys[0].origins[9]: want a single value, got nothing"},
				numbered("line 1: projects[0].write_keys[0].origins[%d]: want an origin such as https://shop.example or https://*.shop.example, without a path", 10, 11),
				[]string{"line 1: projects[0].write_keys[0].origins[12]: is listed twice"},
				numbered("line 1: projects[0].write_keys[0].origins[%d]: want an origin such as https://shop.example or https://*.shop.example, without a path", 13, 14)), "\n")},
		{"origins of a secret key", "projects: [{id: a, write_keys: [{key: secret, kind: secret, origins: ['https://a.example']}]}]",
			"line 1: projects[0].write_keys[0].origins: a secret key is for servers, which have no origin"},
		{"no origins", "projects: [{id: a, write_keys: [{key: secret, origins: []}]}]", "line 1: projects[0].write_keys[0].origins: is empty"},
		{"rate", "projects: [{id: a, rate: {}, write_keys: [{key: secret, rate: {events_per_second: 0, burst: 0, per_client_per_second: secret, secret: 1}}, {key: b, rate: {burst: 5}}, {key: c, rate: 5}, {key: d, rate: {events_per_second: NaN, per_client_per_second: Inf}}]}]",
			"line 1: projects[0].rate: is empty\n" +
				"line 1: projects[0].write_keys[0].rate: unknown key, want one of events_per_second, burst, per_client_per_second\n" +
				"line 1: projects[0].write_keys[0].rate.events_per_second: want a number from 0.001 to 10000000\n" +
				"line 1: projects[0].write_keys[0].rate.per_client_per_second: want a number from 0.001 to 10000000\n" +
				"line 1: projects[0].write_keys[0].rate.burst: want a whole number from 1 to 100000000\n" +
				"line 1: projects[0].write_keys[1].rate.burst: is the burst of events_per_second, which is missing\n" +
				"line 1: projects[0].write_keys[2].rate: want a mapping, got a single value\n" +
				"line 1: projects[0].write_keys[3].rate.events_per_second: want a number from 0.001 to 10000000\n" +
				"line 1: projects[0].write_keys[3].rate.per_client_per_second: want a number from 0.001 to 10000000"},
		{"end", "projects: [{id: a, write_keys: [{key: secret, not_after: secret}, {key: b, not_after: 2026-12-31}]}]",
			"line 1: projects[0].write_keys[0].not_after: want a time such as 2026-12-31T00:00:00Z\n" +
				"line 1: projects[0].write_keys[1].not_after: want a time such as 2026-12-31T00:00:00Z"},
		{"signing", "projects: [{id: a, write_keys: [{key: b, protocols: [webhook], signing: {scheme: secret2, secret: secret3, tolerance: 1ms}}, {key: c, protocols: [webhook], signing: {secretkey: 1}}, {key: d, protocols: [webhook], signing: {scheme: svix, secret: whsec_secret+secret!}}, {key: e, protocols: [webhook], signing: secret4}]}]",
			"line 1: projects[0].write_keys[0].signing.scheme: want touchline, stripe, github, shopify or svix\n" +
				"line 1: projects[0].write_keys[0].signing.tolerance: want a duration from 1s to 24h, such as 5m\n" +
				"line 1: projects[0].write_keys[0].signing.secret: want 8 to 512 characters, got 7\n" +
				"line 1: projects[0].write_keys[1].signing: unknown key, want one of scheme, secret, tolerance\n" +
				"line 1: projects[0].write_keys[1].signing.scheme: is missing\n" +
				"line 1: projects[0].write_keys[1].signing.secret: is missing\n" +
				"line 1: projects[0].write_keys[2].signing.secret: want whsec_ and base64, as svix shows it\n" +
				"line 1: projects[0].write_keys[3].signing: want a mapping, got a single value"},
		{"signed elsewhere", "projects: [{id: a, write_keys: [{key: b, protocols: [webhook, touchline], signing: {scheme: github, secret: opensesame}}, {key: c, signing: {scheme: github, secret: opensesame}}]}]",
			"line 1: projects[0].write_keys[0].signing: a signed key wants protocols: [webhook]\n" +
				"line 1: projects[0].write_keys[1].signing: a signed key wants protocols: [webhook]"},
		{"empty key", "projects: [{id: a, write_keys: ['']}]", "line 1: projects[0].write_keys[0]: want 1 to 256 characters, got 0"},
		{"null key", "projects: [{id: a, write_keys: [~]}]", "line 1: projects[0].write_keys[0]: want a single value, got nothing"},
		{"short hash", "projects: [{id: a, write_keys: [{sha256: secret}]}]", "line 1: projects[0].write_keys[0].sha256: want 64 hex digits, got 6 characters"},
		{"wrong hash", "projects: [{id: a, write_keys: [{sha256: " + strings.Repeat("secret88", 8) + "}]}]", "line 1: projects[0].write_keys[0].sha256: want 64 hex digits, got other characters"},
		{"several", "projects:\n- id: shop\n  currency: euro\n  write_keys: [secret]\n- id: b\n  time_zone: X\n  write_keys: [secret, b]\n",
			"line 3: projects[0].currency: want three upper-case letters such as EUR, got \"euro\"\n" +
				"line 6: projects[1].time_zone: want a time zone such as Europe/Berlin, got \"X\"\n" +
				"line 7: projects[1].write_keys[0]: already used at projects[0].write_keys[0]"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			s, err := Parse([]byte(tt.file))
			if err == nil || s != nil {
				t.Fatalf("Parse = %v, %v; want no set and an error", s, err)
			}
			if err.Error() != tt.want {
				t.Errorf("got\n%v\nwant\n%s", err, tt.want)
			}
			var problems Problems
			if !errors.As(err, &problems) || len(problems) == 0 {
				t.Errorf("error is %T, want Problems", err)
			}
			leak := strings.NewReplacer("want public or secret", "", "a secret key is", "", "signing.secret:", "", "scheme, secret, tolerance", "").Replace(err.Error())
			if strings.Contains(leak, "secret") {
				t.Errorf("a message shows the write key: %v", err)
			}
		})
	}
}

// numbered formats the numbers from first to before last.
func numbered(format string, first, last int) []string {
	var lines []string
	for i := first; i < last; i++ {
		lines = append(lines, fmt.Sprintf(format, i))
	}
	return lines
}

func TestKeyAllocatesNothing(t *testing.T) {
	s := mustParse(t, "projects: [{id: shop, write_keys: [{key: k1, protocols: [matomo, segment]}]}]")
	known, unknown := []byte("k1"), []byte("nope")
	if n := testing.AllocsPerRun(100, func() {
		if _, ok := s.Key(known, "segment", time.Now()); !ok {
			t.Error("Key(k1) opens nothing")
		}
		if _, ok := s.Key(unknown, "segment", time.Now()); ok {
			t.Error("Key(nope) opens something")
		}
	}); n != 0 {
		t.Errorf("Key allocates %v times a call, want 0", n)
	}
}

// TestSetKeepsNoPlainKey prints everything a set holds and looks for the key.
func TestSetKeepsNoPlainKey(t *testing.T) {
	s := mustParse(t, "projects: [{id: shop, write_keys: [plainkey]}]")
	g, _ := s.Key([]byte("plainkey"), "segment", time.Now())
	for _, text := range []string{fmt.Sprintf("%+v", *s), fmt.Sprintf("%#v", *s), fmt.Sprintf("%+v", g)} {
		if strings.Contains(text, "plainkey") {
			t.Errorf("the set holds the plain key: %s", text)
		}
	}
}

// TestManyProjects proves that a large file stays quick enough to reload.
func TestManyProjects(t *testing.T) {
	var b strings.Builder
	b.WriteString("projects:\n")
	const n = 5000
	for i := range n {
		fmt.Fprintf(&b, "- {id: p%d, time_zone: Europe/Berlin, write_keys: [a%d, b%d]}\n", i, i, i)
	}
	s := mustParse(t, b.String())
	if len(s.All()) != n {
		t.Fatalf("%d projects, want %d", len(s.All()), n)
	}
	for i := range n {
		if g, ok := s.Key(fmt.Appendf(nil, "b%d", i), "segment", time.Now()); !ok || g.Project.ID != fmt.Sprintf("p%d", i) {
			t.Fatalf("Key(b%d) = %+v, %v", i, g, ok)
		}
	}
}

// FuzzParse: no input makes Parse panic, and what it accepts is complete.
func FuzzParse(f *testing.F) {
	f.Add([]byte("projects: [{id: shop, write_keys: [k1, {sha256: " + hash("x") + "}]}]"))
	f.Add([]byte("projects:\n- id: a\n  limits: {max_age: 400d}\n  write_keys:\n  - key: |\n      x\n"))
	f.Add([]byte("? a\n: b\n--- !!str\n<<: *x"))
	f.Fuzz(func(t *testing.T, data []byte) {
		s, err := Parse(data)
		if (s == nil) == (err == nil) {
			t.Fatalf("Parse = %v, %v", s, err)
		}
		for _, p := range s.All() {
			if !isName(p.ID) || p.zone == nil || p.Limits.MaxEventBytes == 0 || p.Limits.MaxEventsPerRequest == 0 || p.Limits.MaxAge == 0 {
				t.Fatalf("accepted an incomplete project %+v", p)
			}
		}
	})
}

func BenchmarkKey(b *testing.B) {
	s := mustParse(b, "projects: [{id: shop, write_keys: [0123456789abcdef0123456789abcdef]}]")
	key := []byte("0123456789abcdef0123456789abcdef")
	b.ReportAllocs()
	for b.Loop() {
		s.Key(key, "segment", time.Now())
	}
}
