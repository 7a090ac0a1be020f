package collector_test

import (
	"bytes"
	"encoding/hex"
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"go.uber.org/zap"
	"go.uber.org/zap/zaptest"

	"touchline.dev/services/internal/kafkatest"
)

var (
	update  = flag.Bool("update", false, "write the golden files of recordings anew")
	onlySDK = flag.String("sdk", "", "replay the recordings of one SDK only")
)

// recordedProjects opens every key that the recordings use, for its protocol only
// where another could take it for its own.
const recordedProjects = `
projects:
  - id: shop
    write_keys:
      - wk_test
      - {key: phc_test, protocols: [posthog]}
      - {key: amp_key, protocols: [amplitude]}
      - {key: mp_token, protocols: [mixpanel]}
      - {key: "wkid:wksecret", protocols: [jitsu]}
      - {key: shop, protocols: [snowplow]}
      - {key: "1", protocols: [matomo]}
      - {key: shop.test, protocols: [plausible]}
      - {key: 11111111-2222-4333-8444-555555555555, protocols: [umami]}
      - {key: G-TEST123, protocols: [ga4]}
      - {key: "G-TEST123:sec", protocols: [ga4], kind: secret}
      - {key: "1:123:android:abc:sec", protocols: [ga4], kind: secret}
      - {key: /shop/web, protocols: [cloudevents], kind: secret}
`

// goldenRequest is a request of a recording: how it was answered, and the raw
// records that came of it. The enricher's tests read the same files.
type goldenRequest struct {
	File    string         `json:"file"`
	Status  int            `json:"status"`
	Type    string         `json:"type,omitempty"`
	Verdict string         `json:"verdict,omitempty"`
	Answer  string         `json:"answer,omitempty"`
	Records []goldenRecord `json:"records,omitempty"`
}

// goldenRecord is a raw record; what the clock and the receipt decide is left out.
type goldenRecord struct {
	Index    uint32      `json:"index"`
	Project  string      `json:"project"`
	Protocol string      `json:"protocol"`
	Endpoint string      `json:"endpoint"`
	Key      string      `json:"key"`
	MID      string      `json:"mid,omitempty"`
	SentAt   string      `json:"sent_at,omitempty"`
	Address  string      `json:"client_ip,omitempty"`
	Agent    string      `json:"user_agent,omitempty"`
	Headers  [][2]string `json:"headers,omitempty"`
	Context  string      `json:"context,omitempty"`
	Event    string      `json:"event"`
	Reject   string      `json:"reject,omitempty"`
}

// TestRecordings replays every recorded request of every SDK byte for byte. What
// comes of it stands in raw.jsonl beside the recording: answers that the SDK takes
// for a success, and as many records as its manifest expects events.
func TestRecordings(t *testing.T) {
	manifests, err := filepath.Glob(filepath.Join(recordings, "*", "manifest.json"))
	if err != nil || len(manifests) < 30 {
		t.Fatalf("%d manifests: the corpus is not there (%v)", len(manifests), err)
	}
	page, err := os.ReadFile("../../docs/sdks.md")
	if err != nil {
		t.Fatal(err)
	}
	for _, path := range manifests {
		sdk := filepath.Base(filepath.Dir(path))
		if *onlySDK != "" && sdk != *onlySDK {
			continue
		}
		t.Run(sdk, func(t *testing.T) { replayAll(t, sdk, string(page)) })
	}
}

func replayAll(t *testing.T, sdk, page string) {
	var m manifest
	readJSON(t, filepath.Join(recordings, sdk, "manifest.json"), &m)
	version, _, _ := strings.Cut(m.Version, " (")
	if row := "| `" + m.SDK + "` | " + version + " |"; !m.Synthetic && !strings.Contains(page, row) {
		t.Errorf("docs/sdks.md has no row %q", row)
	}
	s := startWithProjects(t, recordedProjects, kafkatest.Start(t), zaptest.NewLogger(t, zaptest.Level(zap.WarnLevel)), nil)
	seen := map[string]bool{}
	var golden bytes.Buffer
	for _, scenario := range m.Scenarios {
		expected := map[string]int{}
		for _, e := range scenario.ExpectedEvents {
			expected[e.From]++
		}
		var files []string
		for file := range scenario.Files {
			files = append(files, file)
		}
		slices.Sort(files)
		for _, file := range files {
			var r recorded
			readJSON(t, filepath.Join(recordings, sdk, scenario.Name, file), &r)
			got := goldenRequest{File: scenario.Name + "/" + file}
			body := r.bytes(t)
			if strings.EqualFold(r.header("transfer-encoding"), "chunked") {
				body = fmt.Sprintf("%x\r\n%s\r\n0\r\n\r\n", len(body), body)
			}
			a := s.request(t, r.head(), body)
			checkCORS(t, r, a)
			got.Status, got.Answer = a.StatusCode, a.Text
			got.Type, got.Verdict = a.Header.Get("Content-Type"), a.Header.Get("Touchline-Verdict")
			for _, have := range s.records(t) {
				if !seen[have.RID] {
					seen[have.RID] = true
					got.Records = append(got.Records, goldenOf(have))
				}
			}
			slices.SortFunc(got.Records, func(a, b goldenRecord) int { return int(a.Index) - int(b.Index) })
			kind := scenario.Files[file]
			if strings.HasPrefix(kind, "events:") && kind != "events:webhook" && len(got.Records) != expected[file] {
				t.Errorf("%s: %d records, the manifest expects %d events; answer %d %s", got.File, len(got.Records), expected[file], a.StatusCode, a.Text)
			}
			if kind != "boot" && (a.StatusCode < 200 || a.StatusCode > 299) {
				t.Errorf("%s: answer %d %s", got.File, a.StatusCode, a.Text)
			}
			for _, record := range got.Records {
				if record.Reject != "" {
					t.Errorf("%s: event %d is rejected: %s", got.File, record.Index, record.Reject)
				}
			}
			line, err := marshal(got)
			if err != nil {
				t.Fatal(err)
			}
			golden.Write(line)
		}
	}
	path := filepath.Join(recordings, sdk, "raw.jsonl")
	if *update {
		if err := os.WriteFile(path, golden.Bytes(), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	have := bytes.Split(golden.Bytes(), []byte("\n"))
	for i, line := range bytes.Split(want, []byte("\n")) {
		if i >= len(have) || !bytes.Equal(line, have[i]) {
			t.Fatalf("%s line %d (rewrite with -update):\n got %s\nwant %s", path, i+1, slices.Concat(have[min(i, len(have)-1):]...)[:200], line)
		}
	}
}

func goldenOf(r raw) goldenRecord {
	g := goldenRecord{
		Index: r.Index, Project: r.Project, Protocol: r.Protocol, Endpoint: r.Endpoint, Key: r.Key, MID: hex.EncodeToString([]byte(r.MID)),
		SentAt: r.SentAt, Address: r.ClientIP, Agent: r.UserAgent, Context: string(r.Context), Event: string(r.Event),
	}
	if project, receipt, ok := strings.Cut(r.Key, "/r/"); ok && receipt == r.RID {
		g.Key = project + "/r/"
	}
	if project, hash, ok := strings.Cut(r.Key, "/m/"); ok && hash == r.MID {
		g.Key = project + "/m/"
	}
	if r.RejectReason != "" {
		g.Reject = string(r.RejectReason) + ": " + r.RejectMessage
	}
	for _, h := range r.Headers {
		g.Headers = append(g.Headers, [2]string{h.Name, h.Value})
	}
	return g
}

// marshal writes a line of JSON with & and < as they are.
func marshal(v any) ([]byte, error) {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	err := e.Encode(v)
	return b.Bytes(), err
}

// checkCORS checks that a browser lets its page have the answer, and send again
// with whatever headers it asks for.
func checkCORS(t *testing.T, r recorded, a answer) {
	t.Helper()
	origin := r.header("origin")
	h := a.Header
	if h.Get("Access-Control-Allow-Origin") != origin {
		t.Errorf("%s: origin %q, allowed %q", r.Target, origin, h.Get("Access-Control-Allow-Origin"))
	}
	if origin == "" {
		return
	}
	if h.Get("Access-Control-Allow-Credentials") != "true" || h.Get("Vary") != "Origin" || !strings.Contains(h.Get("Access-Control-Expose-Headers"), "Retry-After") {
		t.Errorf("%s: cors headers %v", r.Target, h)
	}
	if asked := r.header("access-control-request-method"); asked != "" &&
		(!strings.Contains(h.Get("Access-Control-Allow-Methods"), asked) || h.Get("Access-Control-Allow-Headers") != r.header("access-control-request-headers")) {
		t.Errorf("%s: preflight %v", r.Target, h)
	}
}
