package load

import (
	"bytes"
	"compress/gzip"
	"encoding/json"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"runtime"
	"sync/atomic"
	"testing"
	"time"
)

func corpus(t *testing.T) *Corpus {
	t.Helper()
	c, err := ReadCorpus(filepath.FromSlash("../../../../../schemas/testdata/sdk"))
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// sent is what of a request matters here.
type sent struct {
	Batch                        []sent
	Type, MessageID, AnonymousID string
	UserID, Timestamp, SentAt    string
}

func requests(t *testing.T, c *Corpus, p Plan) [][]sent {
	t.Helper()
	w := newWriter(c, p)
	var all [][]sent
	for i := range p.Requests {
		request, err := w.append(nil, i, time.Now())
		if err != nil {
			t.Fatal(err)
		}
		_, body, ok := bytes.Cut(request, []byte("\r\n\r\n"))
		var s sent
		if err := json.Unmarshal(body, &s); !ok || err != nil {
			t.Fatalf("request %d: %v: %s", i, err, body)
		}
		if p.PerRequest == 1 {
			s.Batch = []sent{s}
		}
		if s.SentAt == "" || len(s.Batch) != p.PerRequest {
			t.Fatalf("request %d: %s", i, body)
		}
		all = append(all, s.Batch)
	}
	return all
}

func TestPlan(t *testing.T) {
	c := corpus(t)
	if mean := c.MeanBytes(); mean < 720 || mean > 800 {
		t.Errorf("an event has %d bytes, want about 760", mean)
	}
	start := time.Now().Add(-time.Hour)
	for _, perRequest := range []int{1, 50} {
		p := Plan{Seed: 7, Requests: 2000, PerRequest: perRequest, RetryEvery: 20, Users: 1000, Start: start}
		messages, users, events := map[string]bool{}, map[string]bool{}, 0
		for i, batch := range requests(t, c, p) {
			for _, e := range batch {
				events++
				messages[e.MessageID] = true
				users[e.AnonymousID+e.UserID] = true
				if at, err := time.Parse(time.RFC3339, e.Timestamp); err != nil || at.Before(start.Add(-time.Millisecond)) || at.After(start.Add(time.Duration(i+1)*time.Millisecond)) {
					t.Fatalf("request %d happened at %q: %v", i, e.Timestamp, err)
				}
				if e.Type != "track" && e.Type != "page" || e.MessageID == "" {
					t.Fatalf("request %d: %+v", i, e)
				}
			}
		}
		if events != p.Events() {
			t.Errorf("%d events, want %d", events, p.Events())
		}
		if want := p.Events() - p.Retried(); len(messages) != want {
			t.Errorf("%d messages, want %d", len(messages), want)
		}
		if share := float64(p.Retried()) / float64(p.Events()); share < 0.03 || share > 0.07 {
			t.Errorf("%.3f are retries, want about 0.05", share)
		}
		if len(users) < 200 {
			t.Errorf("%d users", len(users))
		}
	}
}

func TestPlan_seed(t *testing.T) {
	c := corpus(t)
	p := Plan{Seed: 1, Requests: 300, PerRequest: 1, Users: 100, Start: time.Now()}
	messages := func(seed uint64) map[string]bool {
		p.Seed = seed
		all := map[string]bool{}
		for _, batch := range requests(t, c, p) {
			all[batch[0].MessageID] = true
		}
		return all
	}
	first, again, other := messages(1), messages(1), messages(2)
	for id := range first {
		if !again[id] || other[id] {
			t.Fatalf("message %s: again %v, other %v", id, again[id], other[id])
		}
	}
}

// server starts one that counts connections and acknowledges what it can read.
func server(t *testing.T) (addr string, s *stub) {
	t.Helper()
	s = &stub{}
	h := httptest.NewUnstartedServer(s)
	h.Config.ConnState = func(_ net.Conn, state http.ConnState) {
		switch state {
		case http.StateNew:
			s.open.Add(1)
		case http.StateClosed:
			s.open.Add(-1)
		}
	}
	h.Start()
	t.Cleanup(h.Close)
	return h.Listener.Addr().String(), s
}

type stub struct {
	open, plain, packed atomic.Int64
	refuse              atomic.Bool
}

func (s *stub) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, count := r.Body, &s.plain
	if r.Header.Get("Content-Encoding") == "gzip" {
		unpacked, err := gzip.NewReader(r.Body)
		if err != nil {
			http.Error(w, err.Error(), http.StatusBadRequest)
			return
		}
		body, count = unpacked, &s.packed
	}
	var e struct{ Batch []json.RawMessage }
	if err := json.NewDecoder(body).Decode(&e); err != nil || s.refuse.Load() {
		http.Error(w, "refused", http.StatusBadRequest)
		return
	}
	count.Add(int64(max(1, len(e.Batch))))
	_, _ = io.WriteString(w, success)
}

func TestSend(t *testing.T) {
	c := corpus(t)
	for _, o := range []Options{{Connections: 3}, {Connections: 3, Gzip: true}} {
		addr, s := server(t)
		p := Plan{Seed: 1, Requests: 40, PerRequest: 5, Users: 100, Start: time.Now()}
		r, err := Send(t.Context(), addr, c, p, o)
		if want := (Result{Requests: 40, Sent: 200, Acked: 200}); err != nil || r != want {
			t.Errorf("%+v, %v", r, err)
		}
		want, count := [2]int64{200, 0}, [2]int64{s.plain.Load(), s.packed.Load()}
		if o.Gzip {
			want = [2]int64{0, 200}
		}
		if count != want {
			t.Errorf("%v plain and packed events came, want %v", count, want)
		}
	}
}

func TestSend_stop(t *testing.T) {
	addr, s := server(t)
	stop := make(chan struct{})
	done := make(chan Result)
	p := Plan{Seed: 1, Requests: 1 << 30, PerRequest: 1, Users: 100, Start: time.Now()}
	c := corpus(t)
	go func() {
		r, err := Send(t.Context(), addr, c, p, Options{Connections: 4, Stop: stop})
		if err != nil {
			t.Error(err)
		}
		done <- r
	}()
	for s.plain.Load() < 20 {
		runtime.Gosched()
	}
	close(stop)
	if r := <-done; r.Sent < 20 || r.Acked != r.Sent || int64(r.Sent) != s.plain.Load() {
		t.Errorf("%+v, the server has %d", r, s.plain.Load())
	}
}

func TestSend_refused(t *testing.T) {
	addr, s := server(t)
	s.refuse.Store(true)
	p := Plan{Seed: 1, Requests: 40, PerRequest: 1, Users: 100, Start: time.Now()}
	if r, err := Send(t.Context(), addr, corpus(t), p, Options{Connections: 1}); !errors.Is(err, ErrRefused) || r.Sent != 1 || r.Acked != 0 {
		t.Errorf("%+v, %v", r, err)
	}
}

func TestCrowd(t *testing.T) {
	addr, s := server(t)
	p := Plan{Seed: 1, Requests: 400, PerRequest: 1, Users: 100, Start: time.Now()}
	waves := 0
	r, err := Crowd(t.Context(), addr, corpus(t), p, 200, []int{10, 200}, func(wave int) error {
		if wave != waves {
			t.Errorf("wave %d after %d", wave, waves)
		}
		waves++
		if open, came := s.open.Load(), s.plain.Load(); open != 200 || came != int64(200*waves) {
			t.Errorf("wave %d: %d connections are open and %d events came", wave, open, came)
		}
		return nil
	})
	if want := (Result{Requests: 400, Sent: 400, Acked: 400}); err != nil || r != want || waves != 2 {
		t.Errorf("%+v, %v, %d waves", r, err, waves)
	}
}
