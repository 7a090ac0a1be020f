package load

import (
	"bytes"
	"encoding/json"
	"path/filepath"
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
		_, body, ok := bytes.Cut(w.append(nil, i, time.Now()), []byte("\r\n\r\n"))
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
