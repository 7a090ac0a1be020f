package collector_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"net"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kmsg"
	"go.uber.org/zap"

	"touchline.dev/schemas/ids"
	"touchline.dev/schemas/topics"
	"touchline.dev/services/collector"
	"touchline.dev/services/internal/kafka"
	"touchline.dev/services/internal/kafkatest"
)

const unavailable = `{"success":false,"reason":"unavailable","message":"the events are not stored yet; send again"}`

// ackWithin sets a short time-out for acknowledgements.
func ackWithin(d time.Duration) func(*collector.Config) {
	return func(c *collector.Config) { c.HTTP.Timeouts.Ack = d }
}

// events returns a batch of n events of n devices with ids made from name.
func events(name string, n int) string {
	var b strings.Builder
	for i := range n {
		if i > 0 {
			b.WriteByte(',')
		}
		fmt.Fprintf(&b, `{"type":"track","event":"E","messageId":"%s-%d","anonymousId":"device-%s-%d"}`, name, i, name, i)
	}
	return `{"batch":[` + b.String() + `]}`
}

func mid(name string, i int) string {
	h := ids.MessageHash("shop", fmt.Appendf(nil, "%s-%d", name, i))
	return string(h[:])
}

// swallow makes the broker leave produce requests without an answer while the
// returned flag is set.
func swallow(c *kafkatest.Cluster) *atomic.Bool {
	var on atomic.Bool
	on.Store(true)
	c.Control().ControlKey(int16(kmsg.Produce), func(kmsg.Request) (kmsg.Response, error, bool) {
		c.Control().KeepControl()
		return nil, nil, on.Load()
	})
	return &on
}

func TestNoBrokerIsNoSuccess(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	nobody := l.Addr().String()
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	s := startOn(t, kafkatest.Start(t), zap.NewNop(), ackWithin(200*time.Millisecond), func(c *collector.Config) {
		c.Kafka = kafka.Config{Brokers: []string{nobody}}
	})
	a := s.post(t, "/v1/batch", events("a", 3))
	a.want(t, 503, unavailable)
	if a.Header.Get("Retry-After") != "1" {
		t.Errorf("Retry-After %q", a.Header.Get("Retry-After"))
	}
	s.post(t, "/v1/track", `{"userId":"u","event":"E"}`).want(t, 503, unavailable)
	reasons := s.health.Reasons()
	if reasons["kafka"] == "" || reasons["acknowledgements"] == "" {
		t.Errorf("ready though nothing can be written: %v", reasons)
	}
	if n := s.metric(t, "touchline_collector_events_total"); n != 0 {
		t.Errorf("%v events counted as taken", n)
	}
}

func TestHangingBrokerIsNoSuccess(t *testing.T) {
	s := startOn(t, kafkatest.Start(t), zap.NewNop(), ackWithin(300*time.Millisecond))
	hang := swallow(s.cluster)
	s.post(t, "/v1/batch", events("a", 5)).want(t, 503, unavailable)
	if s.health.Reasons()["acknowledgements"] == "" {
		t.Errorf("ready though nothing is acknowledged")
	}
	if n := len(s.records(t)); n != 0 {
		t.Fatalf("%d records of a hanging broker", n)
	}

	// The same batch again, as an SDK sends it, once the broker answers.
	hang.Store(false)
	kafkatest.Eventually(t, "the retry to be taken", func() bool {
		return s.post(t, "/v1/batch", events("a", 5)).StatusCode == 200
	})
	if reasons := s.health.Reasons(); len(reasons) != 0 {
		t.Errorf("not ready: %v", reasons)
	}
	keys := map[string]string{}
	for _, r := range s.records(t) {
		if key, ok := keys[r.MID]; ok && key != r.Key {
			t.Errorf("retry moved from key %q to %q", key, r.Key)
		}
		keys[r.MID] = r.Key
	}
	for i := range 5 {
		if _, ok := keys[mid("a", i)]; !ok {
			t.Errorf("event %d was answered 200 and is not in the topic", i)
		}
	}
	if len(keys) != 5 {
		t.Errorf("%d messages in the topic, want 5", len(keys))
	}
	if held := s.metric(t, "touchline_collector_inflight_bytes"); held != 0 {
		kafkatest.Eventually(t, "the budget to be returned", func() bool {
			return s.metric(t, "touchline_collector_inflight_bytes") == 0
		})
	}
}

func TestRefusedRecordsAreNoSuccess(t *testing.T) {
	s := startOn(t, kafkatest.Start(t), zap.NewNop())
	refuse := true
	s.cluster.Control().ControlKey(int16(kmsg.Produce), func(req kmsg.Request) (kmsg.Response, error, bool) {
		s.cluster.Control().KeepControl()
		if !refuse {
			return nil, nil, false
		}
		produce := req.(*kmsg.ProduceRequest)
		res := produce.ResponseKind().(*kmsg.ProduceResponse)
		for _, topic := range produce.Topics {
			rt := kmsg.NewProduceResponseTopic()
			rt.Topic, rt.TopicID = topic.Topic, topic.TopicID
			for _, p := range topic.Partitions {
				rp := kmsg.NewProduceResponseTopicPartition()
				rp.Partition, rp.ErrorCode = p.Partition, kerr.TopicAuthorizationFailed.Code
				rt.Partitions = append(rt.Partitions, rp)
			}
			res.Topics = append(res.Topics, rt)
		}
		return res, nil, true
	})
	s.post(t, "/v1/batch", events("a", 5)).want(t, 503, unavailable)
	if n := len(s.records(t)); n != 0 {
		t.Errorf("%d records", n)
	}
}

// One partition does not answer; the events in the others are written.
func TestPartlyAcknowledgedRequestIsNoSuccess(t *testing.T) {
	s := startOn(t, kafkatest.Start(t), zap.NewNop(), ackWithin(300*time.Millisecond))
	var mute atomic.Bool
	mute.Store(true)
	s.cluster.Control().ControlKey(int16(kmsg.Produce), func(req kmsg.Request) (kmsg.Response, error, bool) {
		s.cluster.Control().KeepControl()
		if mute.Load() {
			for i := range req.(*kmsg.ProduceRequest).Topics {
				topic := &req.(*kmsg.ProduceRequest).Topics[i]
				kept := topic.Partitions[:0]
				for _, p := range topic.Partitions {
					if p.Partition != 0 {
						kept = append(kept, p)
					}
				}
				topic.Partitions = kept
			}
		}
		return nil, nil, false
	})
	s.post(t, "/v1/batch", events("a", 40)).want(t, 503, unavailable)
	if n := len(s.records(t)); n == 0 || n == 40 {
		t.Fatalf("%d records: the test needs a part of 40", n)
	}
	mute.Store(false)
	kafkatest.Eventually(t, "the retry to be taken", func() bool {
		return s.post(t, "/v1/batch", events("a", 40)).StatusCode == 200
	})
	have := map[string]bool{}
	for _, r := range s.records(t) {
		have[r.MID] = true
	}
	for i := range 40 {
		if !have[mid("a", i)] {
			t.Errorf("event %d was answered 200 and is not in the topic", i)
		}
	}
}

func TestNoAnswerBeforeTheAcknowledgement(t *testing.T) {
	s := start(t)
	entered, release := make(chan struct{}), make(chan struct{})
	s.cluster.Control().ControlKey(int16(kmsg.Produce), func(kmsg.Request) (kmsg.Response, error, bool) {
		s.cluster.Control().DropControl()
		close(entered)
		<-release
		return nil, nil, false
	})
	answers := make(chan answer, 1)
	go func() {
		a, err := s.try("POST /v1/track HTTP/1.1\nAuthorization: Basic d2tfdGVzdDo=", `{"userId":"u","event":"E"}`)
		if err != nil {
			t.Error(err)
		}
		answers <- a
	}()
	<-entered
	select {
	case a := <-answers:
		t.Fatalf("answered %d before the broker had the event", a.StatusCode)
	default:
	}
	close(release)
	a := <-answers
	a.want(t, 200, success)
	if n := len(s.records(t)); n != 1 {
		t.Errorf("%d records", n)
	}
}

func TestEveryEventOnce(t *testing.T) {
	s := start(t)
	seed := uint64(time.Now().UnixNano())
	t.Logf("seed %d", seed)
	const workers, requests = 8, 40
	sizes := [workers][requests]int{}
	var wait sync.WaitGroup
	for w := range workers {
		rng := rand.New(rand.NewPCG(seed, uint64(w)))
		for r := range requests {
			sizes[w][r] = 1 + rng.IntN(1+rng.IntN(60))
		}
		wait.Go(func() {
			for r := range requests {
				s.post(t, "/v1/batch", events(fmt.Sprintf("w%d-%d", w, r), sizes[w][r])).want(t, 200, success)
			}
		})
	}
	wait.Wait()
	seen := map[string]int{}
	receipts := map[string]bool{}
	last := map[string]uint32{}
	for _, r := range s.records(t) {
		seen[r.MID]++
		receipts[r.RID] = true
		last[r.Key] = r.Index
	}
	total := 0
	for w := range workers {
		for r := range requests {
			for i := range sizes[w][r] {
				total++
				if n := seen[mid(fmt.Sprintf("w%d-%d", w, r), i)]; n != 1 {
					t.Fatalf("event %d of request %d of worker %d: %d records", i, r, w, n)
				}
			}
		}
	}
	if len(seen) != total || len(receipts) != total {
		t.Errorf("%d messages and %d receipts in the topic, want %d", len(seen), len(receipts), total)
	}
	if n := s.metric(t, "touchline_collector_events_total", "outcome=accepted"); n != float64(total) {
		t.Errorf("%v events counted, want %d", n, total)
	}
}

func TestRetryKeepsKeyAndPartition(t *testing.T) {
	s := start(t)
	body := `{"batch":[{"messageId":"m1","anonymousId":"d"},{"messageId":"m2","userId":"u"},{"messageId":"m3"},` +
		`{"messageId":"m\u0034","anonymousId":"\u00e9","userId":7},{"messageId":5,"anonymousId":1.50},{"messageId":"m6","anonymousId":"` +
		strings.Repeat("x", 513) + `","userId":"` + strings.Repeat("y", 512) + `"}]}`
	s.post(t, "/v1/batch", body).want(t, 200, success)
	s.post(t, "/v1/import", body).want(t, 200, success)
	m3 := ids.MessageHash("shop", []byte("m3"))
	want := map[uint32]string{0: "shop/d/d", 1: "shop/u/u", 2: "shop/m/" + string(m3[:]), 3: "shop/d/é", 4: "shop/d/1.50", 5: "shop/u/" + strings.Repeat("y", 512)}
	first := map[uint32]raw{}
	records := s.records(t)
	if len(records) != 12 {
		t.Fatalf("%d records", len(records))
	}
	for _, r := range records {
		if r.Key != want[r.Index] {
			t.Errorf("event %d: key %q, want %q", r.Index, r.Key, want[r.Index])
		}
		f, again := first[r.Index]
		if !again {
			first[r.Index] = r
			continue
		}
		if f.Key != r.Key || f.Partition != r.Partition || f.MID != r.MID || f.RID == r.RID {
			t.Errorf("event %d: first %q in %d, then %q in %d", r.Index, f.Key, f.Partition, r.Key, r.Partition)
		}
	}
	for i, id := range []string{"m1", "m2", "m3", "m4", "5", "m6"} {
		if h := ids.MessageHash("shop", []byte(id)); first[uint32(i)].MID != string(h[:]) {
			t.Errorf("event %d: mid is not that of %q", i, id)
		}
	}
}

func TestEventWithoutIdsIsKeyedByItsReceipt(t *testing.T) {
	s := start(t)
	s.post(t, "/v1/track", `{"event":"E","anonymousId":"","userId":null,"messageId":{}}`).want(t, 200, success)
	r := s.records(t)
	if len(r) != 1 || r[0].Key != "shop/r/"+r[0].RID || r[0].MID != "" {
		t.Fatalf("records %+v", r)
	}
	ms := int64(0)
	for _, b := range []byte(r[0].RID[:6]) {
		ms = ms<<8 | int64(b)
	}
	if ms != now.UnixMilli() || r[0].RID[6]>>4 != 7 || r[0].RID[8]>>6 != 2 {
		t.Errorf("receipt %x is no UUIDv7 of %d", r[0].RID, now.UnixMilli())
	}
}

// What waits for Kafka is bounded: beyond it requests are refused at once, and
// those that wait are answered when the broker is back.
func TestBackPressure(t *testing.T) {
	s := startOn(t, kafkatest.Start(t), zap.NewNop(), ackWithin(20*time.Second), func(c *collector.Config) {
		c.HTTP.Limits.MaxBodyBytes, c.HTTP.Limits.MaxWireBytes = 4<<10, 4<<10
		c.HTTP.Limits.MaxEvents, c.HTTP.Limits.MaxInflightBytes = 10, 82<<10
	})
	entered, release := make(chan struct{}), make(chan struct{})
	s.cluster.Control().ControlKey(int16(kmsg.Produce), func(kmsg.Request) (kmsg.Response, error, bool) {
		s.cluster.Control().DropControl()
		close(entered)
		<-release
		return nil, nil, false
	})
	const requests = 60
	statuses := make(chan int, requests)
	for i := range requests {
		go func() {
			a, err := s.try("POST /v1/batch HTTP/1.1\nAuthorization: Basic d2tfdGVzdDo=", events(fmt.Sprintf("r%d", i), 10))
			if err != nil {
				t.Error(err)
				statuses <- 0
				return
			}
			if a.StatusCode == 503 && (a.Header.Get("Retry-After") != "1" || !strings.Contains(a.Text, `"unavailable"`)) {
				t.Errorf("503 with %v %s", a.Header, a.Text)
			}
			statuses <- a.StatusCode
		}()
	}
	<-entered
	count := map[int]int{}
	for len(statuses) > 0 || count[503] == 0 { // refusals come while the broker hangs
		count[<-statuses]++
	}
	if count[200] != 0 {
		t.Errorf("%d requests answered 200 by a broker that hangs", count[200])
	}
	close(release)
	for n := count[503]; n < requests; n++ {
		count[<-statuses]++
	}
	if count[200] == 0 || count[200]+count[503] != requests {
		t.Errorf("answers %v", count)
	}
	if n := len(s.records(t)); n != 10*count[200] {
		t.Errorf("%d records for %d requests answered 200", n, count[200])
	}
	if held := s.metric(t, "touchline_collector_inflight_bytes"); held != 0 {
		t.Errorf("%v bytes still held", held)
	}
}

// The order to stop comes while a request waits for Kafka: it gets its answer,
// and nothing new is taken.
func TestDrain(t *testing.T) {
	s := start(t)
	entered, release := make(chan struct{}), make(chan struct{})
	s.cluster.Control().ControlKey(int16(kmsg.Produce), func(kmsg.Request) (kmsg.Response, error, bool) {
		s.cluster.Control().DropControl()
		close(entered)
		<-release
		return nil, nil, false
	})
	answers := make(chan answer, 1)
	go func() {
		a, err := s.try("POST /v1/batch HTTP/1.1\nAuthorization: Basic d2tfdGVzdDo=", events("a", 7))
		if err != nil {
			t.Error(err)
		}
		answers <- a
	}()
	<-entered
	stopped := make(chan error, 1)
	go func() { stopped <- s.stop() }()
	kafkatest.Eventually(t, "the listener to close", func() bool {
		conn, err := net.Dial("tcp", s.Addr())
		if err == nil {
			_ = conn.Close()
		}
		return err != nil
	})
	if s.health.Reasons()["collector"] != "draining" {
		t.Errorf("health while draining: %v", s.health.Reasons())
	}
	select {
	case err := <-stopped:
		t.Fatalf("stopped with a request in flight: %v", err)
	default:
	}
	close(release)
	if err := <-stopped; err != nil {
		t.Errorf("stop: %v", err)
	}
	a := <-answers
	a.want(t, 200, success)
	if n := len(s.records(t)); n != 7 {
		t.Errorf("%d records, want 7", n)
	}
}

// A client that never ends its request does not hold up the stop.
func TestDrainCutsSlowSenders(t *testing.T) {
	s := startOn(t, kafkatest.Start(t), zap.NewNop(), func(c *collector.Config) { c.HTTP.Timeouts.Drain = 100 * time.Millisecond })
	conn, err := net.Dial("tcp", s.Addr())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	if _, err := fmt.Fprintf(conn, "POST /v1/track HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\nAuthorization: Basic d2tfdGVzdDo=\r\nExpect: 100-continue\r\n\r\n{"); err != nil {
		t.Fatal(err)
	}
	if _, err := conn.Read(make([]byte, 12)); err != nil { // "100 Continue": the body is being read
		t.Fatal(err)
	}
	begin := time.Now()
	if err := s.stop(); err != nil {
		t.Errorf("stop: %v", err)
	}
	if took := time.Since(begin); took > 5*time.Second {
		t.Errorf("took %v to stop", took)
	}
}

// A record is what the documents say it is, to the byte.
func TestRecordIsTheEnvelopeAndTheEvent(t *testing.T) {
	s := start(t)
	a := s.request(t, "POST /segment/v1/b HTTP/1.1\nUser-Agent: agent/1\nDNT: 1\nSec-GPC: 1\nAuthorization: Basic d2tfd2ViOg==",
		"{\"sentAt\":\"2026-11-22T09:59:59Z\", \"context\" : {\"ip\":\"1.2.3.4\"},\n \"batch\" :[ {\"anonymousId\":\"d\" , \"big\":9007199254740993 } ] }")
	a.want(t, 200, success)
	r := s.records(t)
	if len(r) != 1 {
		t.Fatalf("%d records", len(r))
	}
	have := r[0].Raw
	if string(have.Event) != `{"anonymousId":"d" , "big":9007199254740993 }` || string(have.Context) != `{"ip":"1.2.3.4"}` ||
		have.SentAt != "2026-11-22T09:59:59Z" || have.Source != "web" || have.Endpoint != "batch" || have.UserAgent != "agent/1" ||
		have.Header("dnt") != "1" || have.Header("sec-gpc") != "1" || len(have.Headers) != 2 {
		t.Errorf("record %+v", have)
	}
	var again bytes.Buffer
	if err := json.Compact(&again, have.Event); err != nil {
		t.Error(err)
	}
	// Envelope and item were written apart; together they are one message.
	for p := range int32(topics.EmbeddedPartitions) {
		for _, rec := range s.cluster.ReadAll(t, topics.Raw, p) {
			if !bytes.Equal(have.Append(nil), rec.Value) {
				t.Errorf("value is not the wire form of its own content")
			}
		}
	}
}
