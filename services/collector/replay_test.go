package collector_test

import (
	"bytes"
	"compress/gzip"
	"encoding/base64"
	"encoding/json"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	dto "github.com/prometheus/client_model/go"

	"touchline.dev/schemas/event"
	"touchline.dev/schemas/ids"
)

type labelPair = dto.LabelPair

func newGzip(w io.Writer) *gzip.Writer { return gzip.NewWriter(w) }

// recordings is where requests of real SDKs lie, beside what they must become.
const recordings = "../../schemas/testdata/sdk"

// recorded is one request exactly as an SDK sent it.
type recorded struct {
	Method       string      `json:"method"`
	Target       string      `json:"target"`
	Headers      [][2]string `json:"headers"`
	BodyEncoding string      `json:"body_encoding"`
	Body         string      `json:"body"`
	BodyDecoded  string      `json:"body_decoded"`
}

func (r recorded) header(name string) string {
	for _, h := range r.Headers {
		if strings.EqualFold(h[0], name) {
			return h[1]
		}
	}
	return ""
}

func (r recorded) head() string {
	head := r.Method + " " + r.Target + " HTTP/1.1"
	for _, h := range r.Headers {
		head += "\n" + h[0] + ": " + h[1]
	}
	return head
}

func (r recorded) bytes(t testing.TB) string {
	t.Helper()
	if r.BodyEncoding != "base64" {
		return r.Body
	}
	b, err := base64.StdEncoding.DecodeString(r.Body)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// text is the body as the SDK wrote it before it packed it.
func (r recorded) text() string {
	if r.BodyEncoding == "base64" {
		return r.BodyDecoded
	}
	return r.Body
}

type manifest struct {
	SDK       string `json:"sdk"`
	Version   string `json:"version"`
	Synthetic bool   `json:"synthetic"`
	Scenarios []struct {
		Name           string            `json:"name"`
		Files          map[string]string `json:"files"`
		ExpectedEvents []struct {
			From        string `json:"from"`
			Index       int    `json:"index"`
			Type        string `json:"type"`
			MessageID   string `json:"message_id"`
			AnonymousID string `json:"anonymous_id"`
			UserID      string `json:"user_id"`
			SentAt      string `json:"sent_at"`
			UserAgent   string `json:"user_agent"`
			WriteKey    string `json:"write_key"`
		} `json:"expected_events"`
	} `json:"scenarios"`
}

func readJSON(t testing.TB, path string, v any) {
	t.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(data, v); err != nil {
		t.Fatalf("%s: %v", path, err)
	}
}

// TestRecordedRequests replays what real SDKs sent: the answers are the ones they
// accept, and the records are their events, byte for byte.
func TestRecordedRequests(t *testing.T) {
	sdks := []string{"segment-node", "segment-next", "segment-go", "segment-legacy-node", "segment-http"}
	files := 0
	for _, sdk := range sdks {
		var m manifest
		readJSON(t, filepath.Join(recordings, sdk, "manifest.json"), &m)
		for _, scenario := range m.Scenarios {
			t.Run(sdk+"/"+scenario.Name, func(t *testing.T) {
				s := start(t)
				want := map[string]int{}
				for file, kind := range scenario.Files {
					files++
					var r recorded
					readJSON(t, filepath.Join(recordings, sdk, scenario.Name, file), &r)
					replay(t, s, r, kind)
				}
				byFile := map[string]recorded{}
				for _, e := range scenario.ExpectedEvents {
					want[e.From]++
					if _, ok := byFile[e.From]; !ok {
						var r recorded
						readJSON(t, filepath.Join(recordings, sdk, scenario.Name, e.From), &r)
						byFile[e.From] = r
					}
				}
				records := s.records(t)
				if len(records) != len(scenario.ExpectedEvents) {
					t.Fatalf("%d records, want %d", len(records), len(scenario.ExpectedEvents))
				}
				for _, e := range scenario.ExpectedEvents {
					r := byFile[e.From]
					original, context, sentAt := element(t, r, e.Index)
					found := 0
					for _, have := range records {
						if int(have.Index) != e.Index || !bytes.Equal(have.Event, original) {
							continue
						}
						found++
						var mid []byte
						if e.MessageID != "" {
							h := ids.MessageHash("shop", []byte(e.MessageID))
							mid = h[:]
						}
						if have.MID != string(mid) {
							t.Errorf("%s[%d]: mid %x, want %x", e.From, e.Index, have.MID, mid)
						}
						key := event.Key(nil, "shop", []byte(e.AnonymousID), []byte(e.UserID), mid, []byte(have.RID))
						if have.Key != string(key) {
							t.Errorf("%s[%d]: key %q, want %q", e.From, e.Index, have.Key, key)
						}
						if have.Project != "shop" || have.Protocol != "segment" || have.RejectReason != "" || have.OriginalBytes != 0 ||
							have.ReceivedAt != now.UnixMilli() || have.ClientIP != "127.0.0.1" || have.UserAgent != r.header("user-agent") ||
							have.SentAt != sentAt || !bytes.Equal(have.Context, context) {
							t.Errorf("%s[%d]: envelope %+v", e.From, e.Index, have.Raw)
						}
						if wantEndpoint := endpointOf(r.Target, e.Type); have.Endpoint != wantEndpoint {
							t.Errorf("%s[%d]: endpoint %q, want %q", e.From, e.Index, have.Endpoint, wantEndpoint)
						}
						for _, name := range []string{"accept-language", "sec-ch-ua", "sec-ch-ua-mobile", "sec-ch-ua-platform"} {
							if have.Header(name) != r.header(name) {
								t.Errorf("%s[%d]: header %s = %q, want %q", e.From, e.Index, name, have.Header(name), r.header(name))
							}
						}
					}
					if found != 1 {
						t.Errorf("%s[%d]: %d records of it, want 1", e.From, e.Index, found)
					}
				}
			})
		}
	}
	if files < 30 {
		t.Fatalf("replayed %d files: the corpus is not there", files)
	}
}

// endpointOf maps a path to the call it stands for: batches say "batch" or "import", single
// calls their own type.
func endpointOf(target, typ string) string {
	switch strings.TrimPrefix(target, "/v1/") {
	case "b", "batch":
		return "batch"
	case "import":
		return "import"
	}
	return typ
}

// element returns the event at index as encoding/json splits the body, with the
// request's context and sent time.
func element(t *testing.T, r recorded, index int) (original, context []byte, sentAt string) {
	t.Helper()
	if e := endpointOf(r.Target, ""); e != "batch" && e != "import" {
		return []byte(r.text()), nil, ""
	}
	var body struct {
		Batch   []json.RawMessage `json:"batch"`
		Context json.RawMessage   `json:"context"`
		SentAt  string            `json:"sentAt"`
	}
	if err := json.Unmarshal([]byte(r.text()), &body); err != nil {
		t.Fatal(err)
	}
	return body.Batch[index], body.Context, body.SentAt
}

func replay(t *testing.T, s *service, r recorded, kind string) {
	t.Helper()
	a := s.request(t, r.head(), r.bytes(t))
	origin := r.header("origin")
	if origin != a.Header.Get("Access-Control-Allow-Origin") {
		t.Errorf("%s: origin %q, allowed %q", r.Target, origin, a.Header.Get("Access-Control-Allow-Origin"))
	}
	if origin != "" && (a.Header.Get("Access-Control-Allow-Credentials") != "true" || a.Header.Get("Vary") != "Origin") {
		t.Errorf("%s: cors headers %v", r.Target, a.Header)
	}
	switch {
	case kind == "preflight":
		a.want(t, 204, "")
		if asked := r.header("access-control-request-headers"); a.Header.Get("Access-Control-Allow-Headers") != asked {
			t.Errorf("%s: headers %q allowed, %q asked", r.Target, a.Header.Get("Access-Control-Allow-Headers"), asked)
		}
		if !strings.Contains(a.Header.Get("Access-Control-Allow-Methods"), r.header("access-control-request-method")) ||
			a.Header.Get("Access-Control-Max-Age") != "7200" {
			t.Errorf("%s: preflight %v", r.Target, a.Header)
		}
	case kind == "boot":
		a.want(t, 200, `{"integrations":{"Segment.io":{"apiKey":"wk_test"}},"plan":{"track":{"__default":{"enabled":true}}},"metrics":{"sampleRate":0}}`)
	case strings.HasPrefix(kind, "events:"):
		a.want(t, 200, success)
		if origin != "" && !strings.Contains(a.Header.Get("Access-Control-Expose-Headers"), "Retry-After") {
			t.Errorf("%s: exposes %q", r.Target, a.Header.Get("Access-Control-Expose-Headers"))
		}
	default:
		t.Fatalf("%s: unknown kind %q", r.Target, kind)
	}
	if kind != "preflight" && a.Header.Get("Content-Type") != "application/json" {
		t.Errorf("%s: content type %q", r.Target, a.Header.Get("Content-Type"))
	}
}
