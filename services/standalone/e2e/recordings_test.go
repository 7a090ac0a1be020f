package e2e_test

import (
	"bytes"
	"compress/gzip"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
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

func recordedSDKs() []string {
	return []string{"segment-node", "segment-next", "segment-go", "segment-legacy-node", "segment-http"}
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
	// Files are the requests with what they are: events:segment, preflight, boot.
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

// TestRecordings replays what SDKs sent. All recordings use one write key, so it
// is moved from project to project, as the operator would: in the projects file,
// under running services.
func TestRecordings(t *testing.T) {
	each(t, projectsFor(recordedSDKs()[0]), func(t *testing.T, d deployment) {
		began := time.Now()
		expected := map[string][]expectation{}
		for _, sdk := range recordedSDKs() {
			giveKeyTo(t, d, sdk)
			var m manifest
			readJSON(t, filepath.Join(recordings, sdk, "manifest.json"), &m)
			for _, s := range m.Scenarios {
				expected[sdk] = append(expected[sdk], replay(t, d, filepath.Join(recordings, sdk, s.Name), s)...)
			}
		}
		fields := 0
		for _, sdk := range recordedSDKs() {
			fields += compareRows(t, d, sdk, expected[sdk], began)
		}
		if fields < 3*(8+21+7+7+9) {
			t.Errorf("%d asserted fields compared: the manifests are not there", fields)
		}
	})
}

// projectsFor is a projects file in which the recorded key opens the project of
// one SDK. The key "probe-..." shows from outside that it is in use.
func projectsFor(holder string) string {
	var b strings.Builder
	b.WriteString("projects:\n")
	for _, sdk := range recordedSDKs() {
		keys := "own-" + sdk
		if sdk == holder {
			keys = "wk_test, probe-" + sdk
		}
		fmt.Fprintf(&b, "- {id: %s, write_keys: [%s]}\n", sdk, keys)
	}
	return b.String()
}

func giveKeyTo(t *testing.T, d deployment, sdk string) {
	t.Helper()
	d.place().writeProjects(t, projectsFor(sdk))
	await(t, 30*time.Second, "the collector reads the projects file", func() error {
		resp, err := client().Get(d.collector() + "/v1/projects/probe-" + sdk + "/settings")
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

// expectation is an event of a manifest with the SDK's own bytes of it.
type expectation struct {
	from   string
	want   map[string]json.RawMessage
	source map[string]json.RawMessage
}

// replay sends the requests of a scenario in their order and checks the answers.
func replay(t *testing.T, d deployment, dir string, s scenario) []expectation {
	t.Helper()
	events := map[string][]json.RawMessage{}
	for _, file := range slices.Sorted(maps.Keys(s.Files)) {
		var r recorded
		readJSON(t, filepath.Join(dir, file), &r)
		kind := s.Files[file]
		checkAnswer(t, &r, kind, send(t, d.collector(), r.head(), string(r.bytes(t))))
		if kind == "events:segment" {
			events[file] = r.events(t)
		}
	}
	total := 0
	for _, list := range events {
		total += len(list)
	}
	if total == 0 || total != len(s.Expected) {
		t.Fatalf("%s: %d events recorded, %d expected", dir, total, len(s.Expected))
	}
	var all []expectation
	for _, want := range s.Expected {
		e := expectation{from: filepath.Base(filepath.Dir(dir)) + "/" + s.Name + "/" + text(t, want, "from"), want: want}
		var index int
		decode(t, want["index"], &index)
		decode(t, events[text(t, want, "from")][index], &e.source)
		all = append(all, e)
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

// events returns the bytes of each event as encoding/json splits the body.
func (r *recorded) events(t *testing.T) []json.RawMessage {
	t.Helper()
	body := r.bytes(t)
	if r.header("content-encoding") == "gzip" {
		z, err := gzip.NewReader(bytes.NewReader(body))
		if err != nil {
			t.Fatal(err)
		}
		if body, err = io.ReadAll(z); err != nil {
			t.Fatal(err)
		}
	}
	var request struct {
		Batch []json.RawMessage `json:"batch"`
	}
	decode(t, body, &request)
	if request.Batch == nil {
		return []json.RawMessage{body}
	}
	return request.Batch
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
	switch kind {
	case "events:segment":
		a.want(t, http.StatusOK, success)
	case "preflight":
		a.want(t, http.StatusNoContent, "")
		for asked, allowed := range map[string]string{
			"access-control-request-method": "Access-Control-Allow-Methods", "access-control-request-headers": "Access-Control-Allow-Headers",
		} {
			if want := r.header(asked); !strings.Contains(a.header.Get(allowed), want) {
				t.Errorf("%s: %s is %q, want %q in it", r.Target, allowed, a.header.Get(allowed), want)
			}
		}
	case "boot":
		a.want(t, http.StatusOK, "")
		var settings struct {
			Integrations map[string]struct {
				APIKey string `json:"apiKey"`
			} `json:"integrations"`
		}
		decode(t, []byte(a.body), &settings)
		if key := settings.Integrations["Segment.io"].APIKey; key != "wk_test" {
			t.Errorf("%s: settings for the key %q: %s", r.Target, key, a.body)
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
