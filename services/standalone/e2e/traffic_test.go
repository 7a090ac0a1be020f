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

// The traffic: about 1,000 events a second of 200 devices, over the last 70 days,
// so that an insert makes parts of several months.
const (
	trafficClients = 4
	trafficPause   = 40 * time.Millisecond
	trafficBatch   = 20
	trafficDevices = 200
	trafficDays    = 70
)

// traffic is clients that post batches for as long as they are not stopped. They
// send a batch again when it failed, mostly, and sometimes although it did not.
type traffic struct {
	t       *testing.T
	d       deployment
	key     string
	journal *journal
	seed    uint64
	stop    context.CancelFunc
	done    sync.WaitGroup
}

func startTraffic(t *testing.T, d deployment, key string, seed uint64) *traffic {
	t.Helper()
	ctx, stop := context.WithCancel(t.Context())
	tr := &traffic{t: t, d: d, key: key, journal: newJournal(t, d.place()), seed: seed, stop: stop}
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
	ids  []string
	body string
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
		case len(failed) > 0 && chance < 60:
			b, failed = failed[0], failed[1:]
		case len(done) > 0 && chance < 70:
			b = done[random.IntN(len(done))]
		default:
			b = newBatch(random, fmt.Sprintf("%d-%d-%d", tr.seed, id, n))
		}
		tr.journal.send(b.ids)
		err := tr.post(ctx, client, b.body)
		if err == nil {
			tr.journal.ack(b.ids)
			if done = append(done, b); len(done) > 50 {
				done = done[1:]
			}
			continue
		}
		tr.journal.fail(b.ids, err)
		if random.IntN(10) > 0 { // some clients go away for good
			failed = append(failed, b)
		}
	}
}

// post returns nil when the answer says that every event of the body is safe.
func (tr *traffic) post(ctx context.Context, client *http.Client, body string) error {
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, tr.d.collector()+"/v1/batch", strings.NewReader(body))
	if err != nil {
		return err
	}
	r.SetBasicAuth(tr.key, "")
	resp, err := client.Do(r)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	answer, err := io.ReadAll(resp.Body)
	switch {
	case err != nil:
		return err
	case resp.StatusCode == http.StatusOK && string(answer) == success:
		return nil
	case resp.StatusCode == http.StatusServiceUnavailable:
		return errors.New(string(answer))
	}
	err = fmt.Errorf("answer %d %s", resp.StatusCode, answer)
	tr.t.Error(err)
	return err
}

// newBatch makes events whose properties repeat their ids, so that a row shows
// whether its parts belong together.
func newBatch(random *rand.Rand, prefix string) batch {
	type call map[string]any
	var b batch
	var events []call
	for i := range 1 + random.IntN(trafficBatch) {
		id := fmt.Sprintf("%s-%d", prefix, i)
		if random.IntN(4) == 0 { // an id that is a UUID is kept in another column
			id = fmt.Sprintf("%016x%016x", random.Uint64(), random.Uint64())
			id = id[:8] + "-" + id[8:12] + "-4" + id[13:16] + "-a" + id[17:20] + "-" + id[20:]
		}
		device := random.IntN(trafficDevices)
		at := time.Now().Add(-time.Duration(random.IntN(trafficDays*24*60)) * time.Minute)
		e := call{"messageId": id, "anonymousId": fmt.Sprintf("device-%d", device), "timestamp": at.UTC().Format(time.RFC3339Nano)}
		switch random.IntN(4) {
		case 0:
			e["type"], e["name"] = "page", "Home"
		case 1:
			e["type"], e["userId"] = "identify", fmt.Sprintf("user-%d", device)
			e["traits"] = call{"plan": "pro"}
		default:
			e["type"], e["event"] = "track", []string{"Viewed", "Added", "Ordered"}[random.IntN(3)]
		}
		e["properties"] = call{"id": id}
		b.ids, events = append(b.ids, id), append(events, e)
	}
	body, err := json.Marshal(map[string]any{"batch": events, "sentAt": time.Now().UTC().Format(time.RFC3339Nano)})
	if err != nil { // strings always marshal
		panic(err)
	}
	b.body = string(body)
	return b
}
