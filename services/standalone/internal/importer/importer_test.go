package importer_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"go.uber.org/zap"

	"touchline.dev/schemas/event"
	"touchline.dev/schemas/projects"
	"touchline.dev/schemas/topics"
	"touchline.dev/services/collector"
	"touchline.dev/services/internal/kafkatest"
	"touchline.dev/services/internal/telemetry"
	"touchline.dev/services/standalone/internal/importer"
)

const projectsFile = `
projects:
  - {id: shop, write_keys: [wk]}
  - {id: small, write_keys: [small], limits: {max_events_per_request: 3}}
`

// world is a collector and its broker.
type world struct {
	cluster *kafkatest.Cluster
	url     string
}

func start(t *testing.T) *world {
	t.Helper()
	set, err := projects.Parse([]byte(projectsFile))
	if err != nil {
		t.Fatal(err)
	}
	w := &world{cluster: kafkatest.Start(t)}
	cfg := collector.Default()
	cfg.HTTP.Listen, cfg.Kafka = "127.0.0.1:0", w.cluster.Kafka
	c, err := collector.New(cfg, collector.Deps{
		Deps:     telemetry.Deps{Log: zap.NewNop(), Metrics: prometheus.NewRegistry(), Health: telemetry.NewHealth(), Now: time.Now},
		Projects: func() *projects.Set { return set },
	})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- c.Run(ctx) }()
	t.Cleanup(func() {
		cancel()
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
	select {
	case <-c.Ready():
	case err := <-done:
		t.Fatalf("run collector: %v", err)
	}
	w.url = c.URL()
	return w
}

// records returns the events of the raw topic by their texts.
func (w *world) records(t *testing.T) (all []event.Raw) {
	t.Helper()
	for p := range int32(topics.EmbeddedPartitions) {
		for _, r := range w.cluster.ReadAll(t, topics.Raw, p) {
			var raw event.Raw
			if err := raw.Decode(slices.Clone(r.Value)); err != nil {
				t.Fatal(err)
			}
			all = append(all, raw)
		}
	}
	slices.SortFunc(all, func(a, b event.Raw) int { return bytes.Compare(a.Event, b.Event) })
	return all
}

// deps never waits: what would be waited for is added up.
func deps(out io.Writer, waited *time.Duration) importer.Deps {
	return importer.Deps{Client: http.DefaultClient, Out: out, Now: time.Now, Wait: func(_ context.Context, d time.Duration) error {
		if waited != nil {
			*waited += d
		}
		return nil
	}}
}

func file(t *testing.T, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "events.ndjson")
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

const (
	segmentLine   = `{"type":"track","event":"Buy","userId":"u","messageId":"m%d","timestamp":"2019-05-01T10:00:00Z","sentAt":"2019-05-01T10:00:01Z"}`
	posthogLine   = `{"uuid":"0190c5a0-0000-7000-8000-%012d","event":"Buy","distinct_id":"u","timestamp":"2019-05-01T10:00:00Z","properties":"{\"plan\":\"pro\"}"}`
	mixpanelLine  = `{"event":"Buy","properties":{"time":1556704800,"distinct_id":"u","$insert_id":"i%d","plan":"pro"}}`
	amplitudeLine = `{"$insert_id":"a%d","event_time":"2019-05-01 10:00:00.000000","event_type":"Buy","user_id":"user-42","amplitude_id":7,"event_properties":{"plan":"pro"}}`
)

func linesOf(format string, from, n int) string {
	var b strings.Builder
	for i := range n {
		fmt.Fprintf(&b, format+"\n", from+i)
	}
	return b.String()
}

// Each format is told by its first event, goes out through its protocol's import,
// past lines that hold no event, and to the end once only.
func TestFormats(t *testing.T) {
	for _, c := range []struct{ protocol, line, event string }{
		{"segment", segmentLine, fmt.Sprintf(segmentLine, 0)},
		{"posthog", posthogLine, `{"uuid":"0190c5a0-0000-7000-8000-000000000000","event":"Buy","distinct_id":"u","timestamp":"2019-05-01T10:00:00Z","properties":{"plan":"pro"}}`},
		{"mixpanel", mixpanelLine, fmt.Sprintf(mixpanelLine, 0)},
		{"amplitude", amplitudeLine, `{"event_time":"2019-05-01 10:00:00.000000","event_type":"Buy","user_id":"user-42","amplitude_id":7,"event_properties":{"plan":"pro"},"insert_id":"a0","time":"2019-05-01 10:00:00.000000"}`},
	} {
		t.Run(c.protocol, func(t *testing.T) {
			w := start(t)
			text := "\ufeff\r\n\n" + linesOf(c.line, 0, 7) + "{\"cut\":\n[1]\n" + `"` + strings.Repeat("x", 1<<20) + "\"\n" + linesOf(c.line, 7, 3)
			text = strings.TrimSuffix(text, "\n") // the last line has no end
			path := file(t, text)
			var out bytes.Buffer
			cfg := importer.Config{URL: w.url, Key: "wk", Batch: 4}
			counts, err := importer.New(cfg, deps(&out, nil)).File(t.Context(), path)
			want := importer.Counts{Lines: 15, Accepted: 10, Bad: 3}
			if err != nil || counts != want {
				t.Fatalf("%+v, %v, want %+v\n%s", counts, err, want, out.String())
			}
			for _, says := range []string{"line 10: not JSON\n", "line 11: not a JSON object\n", "line 12: longer than 1 MiB\n", "15 lines (100 % of the file): 10 events accepted"} {
				if !strings.Contains(out.String(), says) {
					t.Errorf("%q is not said:\n%s", says, out.String())
				}
			}
			records := w.records(t)
			for _, r := range records {
				if r.Project != "shop" || r.Protocol != c.protocol || r.Endpoint != "import" || r.RejectReason != "" {
					t.Errorf("%s %s %s %s %s", r.Project, r.Protocol, r.Endpoint, r.RejectReason, r.Event)
				}
			}
			if len(records) != 10 || string(records[0].Event) != c.event {
				t.Fatalf("%d records, the first is\n%s\nwant\n%s", len(records), records[0].Event, c.event)
			}
			again, err := importer.New(cfg, deps(io.Discard, nil)).File(t.Context(), path)
			if err != nil || again != want || len(w.records(t)) != 10 {
				t.Errorf("once more: %+v, %v, %d records", again, err, len(w.records(t)))
			}
			if err := os.WriteFile(path, []byte(text+"\n"+linesOf(c.line, 10, 1)), 0o600); err != nil {
				t.Fatal(err)
			}
			grown, err := importer.New(cfg, deps(io.Discard, nil)).File(t.Context(), path)
			if err != nil || grown.Accepted != 11 || grown.Lines != 16 || len(w.records(t)) != 11 {
				t.Errorf("a line more: %+v, %v, %d records", grown, err, len(w.records(t)))
			}
		})
	}
}

// An import that is broken off goes on where it was: every event lands once, and
// what had been sent without an answer a second time as a duplicate.
func TestResume(t *testing.T) {
	w := start(t)
	var requests, most atomic.Int64
	most.Store(3)
	front := httptest.NewServer(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		n := requests.Add(1)
		req, err := http.NewRequestWithContext(r.Context(), r.Method, w.url+r.URL.String(), r.Body)
		if err != nil {
			t.Error(err)
			return
		}
		req.Header = r.Header.Clone()
		res, err := http.DefaultClient.Do(req)
		if err != nil {
			t.Error(err)
			return
		}
		defer res.Body.Close()
		if n > most.Load() { // taken, but the answer is lost
			rw.Header().Set("Retry-After", "7")
			rw.WriteHeader(http.StatusServiceUnavailable)
			return
		}
		maps.Copy(rw.Header(), res.Header)
		rw.WriteHeader(res.StatusCode)
		if _, err := io.Copy(rw, res.Body); err != nil {
			t.Error(err)
		}
	}))
	defer front.Close()
	path := file(t, linesOf(segmentLine, 0, 10)+"bad\n"+linesOf(segmentLine, 10, 15))
	cfg := importer.Config{URL: front.URL, Key: "wk", Batch: 5, Patience: 10 * time.Second}
	var waited time.Duration
	counts, err := importer.New(cfg, deps(io.Discard, &waited)).File(t.Context(), path)
	if !errors.Is(err, importer.ErrUnavailable) || counts.Accepted != 15 || counts.Bad != 1 || waited != 7*time.Second {
		t.Fatalf("%+v, %v after %s", counts, err, waited)
	}
	state, err := os.ReadFile(path + ".touchline-import")
	if err != nil {
		t.Fatal(err)
	}
	var s struct {
		Offset int64
		Counts importer.Counts
	}
	if err := json.Unmarshal(state, &s); err != nil || s.Counts.Lines != 16 || s.Offset != int64(len(linesOf(segmentLine, 0, 15)+"bad\n")) {
		t.Errorf("state %s, %v", state, err)
	}
	most.Store(1 << 20)
	counts, err = importer.New(cfg, deps(io.Discard, nil)).File(t.Context(), path)
	if want := (importer.Counts{Lines: 26, Accepted: 25, Duplicates: 5, Bad: 1}); err != nil || counts != want {
		t.Fatalf("%+v, %v, want %+v", counts, err, want)
	}
	texts := map[string]int{}
	for _, r := range w.records(t) {
		texts[string(r.Event)]++
	}
	if len(texts) != 25 {
		t.Errorf("%d events of 25", len(texts))
	}
}

func TestOtherInput(t *testing.T) {
	w := start(t)
	path := file(t, linesOf(segmentLine, 0, 3))
	cfg := importer.Config{URL: w.url, Key: "wk", Batch: 5}
	if _, err := importer.New(cfg, deps(io.Discard, nil)).File(t.Context(), path); err != nil {
		t.Fatal(err)
	}
	elsewhere := cfg
	elsewhere.URL += "/"
	if _, err := importer.New(elsewhere, deps(io.Discard, nil)).File(t.Context(), path); !errors.Is(err, importer.ErrOtherInput) {
		t.Errorf("to another collector: %v", err)
	}
	for name, text := range map[string]string{"another file": linesOf(segmentLine, 5, 3), "a shorter file": linesOf(segmentLine, 0, 2)} {
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := importer.New(cfg, deps(io.Discard, nil)).File(t.Context(), path); !errors.Is(err, importer.ErrOtherInput) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if err := os.WriteFile(path+".touchline-import", []byte("{"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := importer.New(cfg, deps(io.Discard, nil)).File(t.Context(), path); err == nil {
		t.Error("a state that cannot be read is passed over")
	}
	if n := len(w.records(t)); n != 3 {
		t.Errorf("%d records", n)
	}
}

func TestRefusals(t *testing.T) {
	w := start(t)
	stream := func(cfg importer.Config, text string) (importer.Counts, string, error) {
		var out bytes.Buffer
		cfg.URL = w.url
		counts, err := importer.New(cfg, deps(&out, nil)).Stream(t.Context(), strings.NewReader(text))
		return counts, out.String(), err
	}
	if _, _, err := stream(importer.Config{Key: "nobody", Batch: 5}, linesOf(segmentLine, 0, 3)); !errors.Is(err, importer.ErrRefused) || !strings.Contains(err.Error(), "401") {
		t.Errorf("a wrong key: %v", err)
	}
	for _, text := range []string{`{"a":1}`, `{"event":"x"}`} {
		if _, _, err := stream(importer.Config{Key: "wk", Batch: 5}, text); !errors.Is(err, importer.ErrUnknownFormat) {
			t.Errorf("%s: %v", text, err)
		}
	}
	if _, _, err := stream(importer.Config{Key: "wk", Batch: 5, Format: "xml"}, ""); !errors.Is(err, importer.ErrUnknownFormat) {
		t.Errorf("format xml: %v", err)
	}
	// More than the project takes in one request: halves, and from then on fewer.
	counts, _, err := stream(importer.Config{Key: "small", Batch: 10}, linesOf(segmentLine, 0, 25))
	if err != nil || counts.Accepted != 25 {
		t.Errorf("in smaller requests: %+v, %v", counts, err)
	}
	deep := `{"type":"track","userId":"u","event":"x","messageId":"deep","properties":{"a":` + strings.Repeat("[", 100) + strings.Repeat("]", 100) + `}}`
	counts, said, err := stream(importer.Config{Key: "wk", Batch: 10}, linesOf(segmentLine, 100, 2)+deep+"\n"+linesOf(segmentLine, 102, 1))
	if err != nil || counts.Accepted != 3 || counts.Rejected != 1 || !strings.Contains(said, "line 3: rejected: too_deep\n") {
		t.Errorf("a rejected event: %+v, %v\n%s", counts, err, said)
	}
	if _, said, _ := stream(importer.Config{Key: "wk", Batch: 10}, strings.Repeat("x\n", 50)); strings.Count(said, "not JSON") != 20 || !strings.Contains(said, "50 bad lines") {
		t.Errorf("many bad lines:\n%s", said)
	}
	notACollector := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
	defer notACollector.Close()
	if _, err := importer.New(importer.Config{URL: notACollector.URL, Key: "wk", Batch: 5}, deps(io.Discard, nil)).Stream(t.Context(), strings.NewReader(linesOf(segmentLine, 0, 1))); !errors.Is(err, importer.ErrRefused) {
		t.Errorf("a server that says nothing: %v", err)
	}
}

func TestCancelled(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(http.StatusServiceUnavailable)
		cancel()
	}))
	defer server.Close()
	d := deps(io.Discard, nil)
	d.Wait = importer.Wait
	if _, err := importer.New(importer.Config{URL: server.URL, Key: "wk", Batch: 5, Patience: time.Hour}, d).Stream(ctx, strings.NewReader(linesOf(segmentLine, 0, 1))); !errors.Is(err, context.Canceled) {
		t.Errorf("%v", err)
	}
}
