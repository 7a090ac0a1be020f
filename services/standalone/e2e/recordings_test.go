package e2e_test

import (
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
)

// recordings holds requests exactly as SDKs sent them, and what they must become.
const recordings = "../../../schemas/testdata/sdk"

// family is SDKs whose recordings use the same write keys.
type family struct {
	sdks, keys []string
}

func families() []family {
	return []family{
		{[]string{"segment-node", "segment-next", "segment-go", "segment-legacy-node", "segment-http", "rudder", "rudder-node", "rudder-http"}, []string{"wk_test"}},
		{[]string{"posthog", "posthog-157", "posthog-node", "posthog-go", "posthog-lite", "posthog-http"}, []string{"{key: phc_test, protocols: [posthog]}"}},
		{[]string{"amplitude", "amplitude-node", "amplitude-legacy"}, []string{"{key: amp_key, protocols: [amplitude]}"}},
		{[]string{"mixpanel", "mixpanel-node"}, []string{"{key: mp_token, protocols: [mixpanel]}"}},
		{[]string{"snowplow", "snowplow3", "snowplow-node"}, []string{"{key: shop, protocols: [snowplow]}"}},
		{[]string{"ga4-gtag", "ga4-mp", "ga4min"}, []string{
			"{key: G-TEST123, protocols: [ga4]}", `{key: "G-TEST123:sec", protocols: [ga4]}`, `{key: "1:123:android:abc:sec", protocols: [ga4]}`,
		}},
		{[]string{"jitsu"}, []string{`{key: "wkid:wksecret", protocols: [jitsu]}`}},
		{[]string{"matomo"}, []string{`{key: "1", protocols: [matomo]}`}},
		{[]string{"plausible"}, []string{"{key: shop.test, protocols: [plausible]}"}},
		{[]string{"umami-script"}, []string{"{key: 11111111-2222-4333-8444-555555555555, protocols: [umami]}"}},
		{[]string{"cloudevents-node"}, []string{"{key: /shop/web, protocols: [cloudevents]}"}},
	}
}

// recorded is one request of a recording.
type recorded struct {
	Method       string      `json:"method"`
	Target       string      `json:"target"`
	Headers      [][2]string `json:"headers"`
	BodyEncoding string      `json:"body_encoding"`
	Body         string      `json:"body"`
}

type manifest struct {
	Scenarios []scenario `json:"scenarios"`
}

type scenario struct {
	Name string `json:"name"`
	// Files are the requests with what they are: events:<protocol>, preflight, boot.
	Files    map[string]string            `json:"files"`
	Expected []map[string]json.RawMessage `json:"expected_events"`
}

func readJSON(t *testing.T, path string, into any) {
	t.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(data, into); err != nil {
		t.Fatalf("%s: %v", path, err)
	}
}

// TestRecordings replays what SDKs sent, byte for byte, and finds exactly the
// expected events in the tables. Each SDK has a project. Where several use the
// same write key, it is moved from project to project, as the operator would: in
// the projects file, under running services.
func TestRecordings(t *testing.T) {
	each(t, projectsFor(0), func(t *testing.T, d deployment) {
		began := time.Now()
		expected := map[string][]expectation{}
		rounds := 0
		for _, f := range families() {
			rounds = max(rounds, len(f.sdks))
		}
		for round := range rounds {
			giveKeys(t, d, round)
			for _, f := range families() {
				if round >= len(f.sdks) {
					continue
				}
				sdk := f.sdks[round]
				var m manifest
				readJSON(t, filepath.Join(recordings, sdk, "manifest.json"), &m)
				for _, s := range m.Scenarios {
					expected[sdk] = append(expected[sdk], replay(t, d, sdk, s)...)
				}
			}
		}
		var differs map[string]string
		readJSON(t, filepath.Join(recordings, "differs.json"), &differs)
		events, fields := 0, 0
		for sdk, all := range expected {
			events += len(all)
			fields += compareRows(t, d, sdk, all, differs, began)
		}
		if events != 438 || fields < 1100 {
			t.Errorf("%d events, %d asserted fields compared: the manifests are not there", events, fields)
		}
	})
}

// projectsFor is a projects file in which the recorded keys open the projects of
// one SDK of each family. The key "probe-..." shows from outside that it is in use.
func projectsFor(round int) string {
	var b strings.Builder
	fmt.Fprintf(&b, "projects:\n- {id: probe, write_keys: [probe-%d]}\n", round)
	for _, f := range families() {
		for i, sdk := range f.sdks {
			keys := "own-" + sdk
			if i == round {
				keys = strings.Join(f.keys, ", ")
			}
			fmt.Fprintf(&b, "- {id: %s, write_keys: [%s]}\n", sdk, keys)
		}
	}
	return b.String()
}

func giveKeys(t *testing.T, d deployment, round int) {
	t.Helper()
	d.place().writeProjects(t, projectsFor(round))
	await(t, 30*time.Second, "the collector reads the projects file", func() error {
		resp, err := client().Get(fmt.Sprintf("%s/v1/projects/probe-%d/settings", d.collector(), round))
		if err != nil {
			return err
		}
		resp.Body.Close()
		if resp.StatusCode != http.StatusOK {
			return errors.New(resp.Status)
		}
		return nil
	})
}

// expectation is an event of a manifest.
type expectation struct {
	sdk, scenario string
	want          map[string]json.RawMessage
}

// name tells it apart from the others.
func (e *expectation) name(t *testing.T) string {
	return fmt.Sprintf("%s/%s/%s[%s]", e.sdk, e.scenario, text(t, e.want, "from"), e.want["index"])
}

// differs reports whether a field is not as the manifest has it by decision; with
// a plus it is only allowed where the manifest has none.
func (e *expectation) differs(t *testing.T, decided map[string]string, field string) bool {
	event := fmt.Sprintf("%s/%s/%s/%s", e.sdk, e.scenario, text(t, e.want, "from"), e.want["index"])
	_, has := e.want[field]
	return slices.ContainsFunc([]string{e.sdk, e.sdk + "/" + e.scenario, event}, func(place string) bool {
		return decided[place+" "+field] != "" || !has && decided[place+" +"+field] != ""
	})
}

// replay sends the requests of a scenario in their order and checks the answers.
func replay(t *testing.T, d deployment, sdk string, s scenario) []expectation {
	t.Helper()
	for _, file := range slices.Sorted(maps.Keys(s.Files)) {
		var r recorded
		readJSON(t, filepath.Join(recordings, sdk, s.Name, file), &r)
		checkAnswer(t, &r, s.Files[file], send(t, d.collector(), r.head(), r.framed(t)))
	}
	var all []expectation
	for _, want := range s.Expected {
		all = append(all, expectation{sdk, s.Name, want})
	}
	return all
}

// head is the request line and the headers; bytes above 0x7f are recorded as the
// characters of Latin-1.
func (r *recorded) head() string {
	text := r.Method + " " + r.Target + " HTTP/1.1\n"
	for _, h := range r.Headers {
		text += h[0] + ": " + h[1] + "\n"
	}
	var raw []byte
	for _, c := range text {
		raw = append(raw, byte(c))
	}
	return string(raw)
}

func (r *recorded) header(name string) string {
	for _, h := range r.Headers {
		if strings.EqualFold(h[0], name) {
			return h[1]
		}
	}
	return ""
}

func (r *recorded) bytes(t *testing.T) []byte {
	t.Helper()
	if r.BodyEncoding != "base64" {
		return []byte(r.Body)
	}
	b, err := base64.StdEncoding.DecodeString(r.Body)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// framed is the body as it went over the wire.
func (r *recorded) framed(t *testing.T) string {
	t.Helper()
	body := r.bytes(t)
	if strings.EqualFold(r.header("transfer-encoding"), "chunked") {
		return fmt.Sprintf("%x\r\n%s\r\n0\r\n\r\n", len(body), body)
	}
	return string(body)
}

// checkAnswer checks what the SDK needs to see in order to go on.
func checkAnswer(t *testing.T, r *recorded, kind string, a answer) {
	t.Helper()
	origin := r.header("origin")
	if have := a.header.Get("Access-Control-Allow-Origin"); have != origin {
		t.Errorf("%s: origin %q is allowed, want %q", r.Target, have, origin)
	}
	if origin != "" && a.header.Get("Access-Control-Allow-Credentials") != "true" {
		t.Errorf("%s: credentials are not allowed: %v", r.Target, a.header)
	}
	switch {
	case strings.HasPrefix(kind, "events:"):
		// How each protocol says so is in the goldens of the collector's own test.
		if verdict := a.header.Get("Touchline-Verdict"); a.status < 200 || a.status > 299 || !strings.HasPrefix(verdict, "accepted=") || strings.Contains(verdict, "rejected") {
			t.Errorf("%s: %d, %s, %s", r.Target, a.status, verdict, a.body)
		}
	case kind == "preflight":
		a.want(t, http.StatusNoContent, "")
		for asked, allowed := range map[string]string{
			"access-control-request-method": "Access-Control-Allow-Methods", "access-control-request-headers": "Access-Control-Allow-Headers",
		} {
			if want := r.header(asked); !strings.Contains(a.header.Get(allowed), want) {
				t.Errorf("%s: %s is %q, want %q in it", r.Target, allowed, a.header.Get(allowed), want)
			}
		}
	case kind == "boot":
		// Scripts are there once the operator has put them there.
		if a.status != http.StatusOK && (a.status != http.StatusNotFound || !strings.Contains(r.Target, ".js") || strings.Contains(r.Target, "config.js")) {
			t.Errorf("%s: %d %s", r.Target, a.status, a.body)
		}
	default:
		t.Fatalf("%s: unknown kind %q", r.Target, kind)
	}
}

func decode(t *testing.T, data []byte, into any) {
	t.Helper()
	if err := json.Unmarshal(data, into); err != nil {
		t.Fatalf("%s: %v", data, err)
	}
}

// text returns a member that is a string, "" when there is none.
func text(t *testing.T, members map[string]json.RawMessage, name string) (s string) {
	t.Helper()
	if raw, ok := members[name]; ok {
		decode(t, raw, &s)
	}
	return s
}
