package e2e_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"
)

// The traffic: about 500 events a second of 200 devices and 60 users, over the
// last 70 days, so that an insert makes parts of several months.
const (
	trafficClients = 4
	trafficPause   = 80 * time.Millisecond
	trafficBatch   = 20
	trafficDevices = 200
	trafficUsers   = 60
	trafficDays    = 70
)

// killProjects are the projects of the traffic; the write key of x is wk_x.
const killProjects = "projects: [{id: shop, write_keys: [wk_shop], currency: EUR}, {id: other, write_keys: [wk_other]}]\n"

func trafficProjects() []string { return []string{"shop", "other"} }

// traffic is clients that post batches for as long as they are not stopped. They
// send a batch again when it failed, mostly, and sometimes although it did not.
type traffic struct {
	t       *testing.T
	d       deployment
	journal *journal
	seed    uint64
	stop    context.CancelFunc
	done    sync.WaitGroup
}

func startTraffic(t *testing.T, d deployment, seed uint64) *traffic {
	t.Helper()
	ctx, stop := context.WithCancel(t.Context())
	tr := &traffic{t: t, d: d, journal: newJournal(t, d.place()), seed: seed, stop: stop}
	for i := range trafficClients {
		tr.done.Go(func() { tr.run(ctx, i) })
	}
	t.Cleanup(tr.end)
	return tr
}

// end stops the clients and waits for them.
func (tr *traffic) end() {
	tr.stop()
	tr.done.Wait()
}

// batch is a body that a client may post several times.
type batch struct {
	project string
	events  []sent
	body    string
}

func (tr *traffic) run(ctx context.Context, id int) {
	random := rand.New(rand.NewPCG(tr.seed, uint64(id)))
	client := &http.Client{Timeout: 6 * time.Second}
	tick := time.NewTicker(trafficPause)
	defer tick.Stop()
	var failed, done []batch
	for n := 0; ; n++ {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		var b batch
		switch chance := random.IntN(100); {
		case chance < 10 && len(done) > 0:
			b = done[random.IntN(len(done))]
		case chance < 60 && len(failed) > 0:
			b, failed = failed[0], failed[1:]
		default:
			b = newBatch(random, fmt.Sprintf("%d-%d-%d", tr.seed, id, n))
		}
		tr.journal.send(b.events)
		err := tr.post(ctx, client, b)
		if err == nil {
			tr.journal.ack(b.events)
			if done = append(done, b); len(done) > 50 {
				done = done[1:]
			}
			continue
		}
		tr.journal.fail(b.events, err)
		if random.IntN(10) > 0 { // some clients go away for good
			failed = append(failed, b)
		}
	}
}

// post returns nil when the answer says that every event of the body is safe.
func (tr *traffic) post(ctx context.Context, client *http.Client, b batch) error {
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, tr.d.collector()+"/v1/batch", strings.NewReader(b.body))
	if err != nil {
		return err
	}
	r.SetBasicAuth("wk_"+b.project, "")
	resp, err := client.Do(r)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	answer, err := io.ReadAll(resp.Body)
	switch {
	case err != nil:
		return err
	case resp.StatusCode == http.StatusOK && strings.HasPrefix(string(answer), strings.TrimSuffix(success, "}")):
		return nil
	case resp.StatusCode == http.StatusServiceUnavailable:
		return errors.New(string(answer))
	}
	err = fmt.Errorf("answer %d %s", resp.StatusCode, answer)
	tr.t.Error(err)
	return err
}

// newBatch makes events of one project. Their properties repeat their ids, so
// that a row shows whether its parts belong together.
func newBatch(random *rand.Rand, prefix string) batch {
	b := batch{project: trafficProjects()[random.IntN(8)/7]}
	var events []json.RawMessage
	for i := range 1 + random.IntN(trafficBatch) {
		e, body := newEvent(random, fmt.Sprintf("%s-%d", prefix, i))
		e.project = b.project
		b.events, events = append(b.events, e), append(events, body)
	}
	b.body = string(encode(map[string]any{"batch": events, "sentAt": time.Now().UTC().Format(time.RFC3339Nano)}))
	return b
}

// newEvent makes an event and its JSON.
func newEvent(random *rand.Rand, id string) (sent, json.RawMessage) {
	if random.IntN(4) == 0 { // an id that is a UUID is kept in another column
		id = fmt.Sprintf("%016x%016x", random.Uint64(), random.Uint64())
		id = id[:8] + "-" + id[8:12] + "-4" + id[13:16] + "-a" + id[17:20] + "-" + id[20:]
	}
	e := sent{id: id}
	device := random.IntN(trafficDevices)
	at := time.Now().Add(-time.Duration(random.IntN(trafficDays*24*60)) * time.Minute)
	call := map[string]any{"messageId": id, "anonymousId": fmt.Sprintf("device-%d", device), "timestamp": at.UTC().Format(time.RFC3339Nano)}
	properties := map[string]any{"id": id}
	switch random.IntN(8) {
	case 0:
		call["type"], call["name"] = "page", "Home"
	case 1: // several devices are one user's, so a person has several histories
		call["type"], call["userId"] = "identify", fmt.Sprintf("user-%d", device%trafficUsers)
		call["traits"] = map[string]any{"plan": []string{"free", "pro"}[random.IntN(2)]}
	case 2:
		call["type"], call["event"], call["userId"] = "track", "Ordered", fmt.Sprintf("user-%d", device%trafficUsers)
		properties["revenue"], properties["currency"] = float64(random.IntN(20000))/100, "EUR"
	default:
		call["type"], call["event"] = "track", []string{"Viewed", "Added"}[random.IntN(2)]
	}
	switch random.IntN(20) {
	case 0:
		e.fate = eachTime
		delete(call, "messageId")
	case 1: // the enricher finds out
		e.fate = refused
		call["type"] = "purchase"
	case 2: // the collector finds out
		e.fate = refused
		properties["deep"] = json.RawMessage(strings.Repeat(`{"a":`, 100) + `1` + strings.Repeat(`}`, 100))
	}
	call["properties"] = properties
	e.properties = string(encode(properties))
	return e, encode(call)
}

func encode(value any) json.RawMessage {
	text, err := json.Marshal(value)
	if err != nil { // texts and numbers always marshal
		panic(err)
	}
	return text
}
