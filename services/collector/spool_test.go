package collector_test

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"net"
	"net/http"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"
	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"

	"touchline.dev/schemas/projects"
	"touchline.dev/schemas/topics"
	"touchline.dev/services/collector"
	"touchline.dev/services/internal/config"
	brokers "touchline.dev/services/internal/kafka"
	"touchline.dev/services/internal/kafkatest"
	"touchline.dev/services/internal/telemetry"
)

// spooled gives the collector a spool that is used after a tenth of a second.
func spooled(dir string) func(*collector.Config) {
	return func(c *collector.Config) {
		c.Spool.Dir, c.Spool.Deadline, c.Spool.MinFree = dir, 100*time.Millisecond, 32*config.MiB
	}
}

// outage is what the broker does to produce requests.
type outage int32

const (
	// none: it works.
	none outage = iota
	// silent: it does not answer.
	silent
	// leaderless: it refuses, and says to try again.
	leaderless
	// broken: it refuses for good.
	broken
	outages
)

// control makes the broker behave as the returned value says.
func control(c *kafkatest.Cluster) *atomic.Int32 {
	var mode atomic.Int32
	c.Control().ControlKey(int16(kmsg.Produce), func(req kmsg.Request) (kmsg.Response, error, bool) {
		c.Control().KeepControl()
		switch outage(mode.Load()) {
		case silent:
			return nil, nil, true
		case leaderless:
			return refused(req.(*kmsg.ProduceRequest), kerr.NotLeaderForPartition), nil, true
		case broken:
			return refused(req.(*kmsg.ProduceRequest), kerr.KafkaStorageError), nil, true
		default:
			return nil, nil, false
		}
	})
	return &mode
}

// drained waits until nothing is in the spool.
func (s *service) drained(t *testing.T) {
	t.Helper()
	kafkatest.Eventually(t, "an empty spool", func() bool { return s.metric(t, "touchline_collector_spool_partitions") == 0 })
	if n := s.metric(t, "touchline_collector_spool_records"); n != 0 {
		t.Errorf("%v records in an empty spool", n)
	}
}

// While Kafka is away in whatever way, requests are taken, at once from the second
// on, and the collector is ready. Afterwards all is in the topic as it was received,
// and events go directly again.
func TestSpool_takesEventsWhileKafkaIsAway(t *testing.T) {
	for mode := silent; mode < outages; mode++ {
		t.Run(fmt.Sprint(mode), func(t *testing.T) {
			t.Parallel()
			s := startOn(t, kafkatest.Start(t), zap.NewNop(), spooled(t.TempDir()))
			kafka := control(s.cluster)
			s.post(t, "/v1/batch", events("before", 4)).want(t, 200, success)
			kafka.Store(int32(mode))
			taken := map[string]int{"before": 4}
			for i := range 20 {
				name := fmt.Sprint("away-", i)
				s.post(t, "/v1/batch", events(name, 10)).want(t, 200, success)
				taken[name] = 10
			}
			if reasons := s.health.Reasons(); len(reasons) > 0 {
				t.Errorf("not ready: %v", reasons)
			}
			if n := s.metric(t, "touchline_collector_spool_records"); n < 190 { // the first may be on its way
				t.Errorf("%v records in the spool", n)
			}
			kafka.Store(int32(none))
			s.drained(t)
			s.wantHeld(t, taken)
			written := s.metric(t, "touchline_collector_spool_written_total")
			s.post(t, "/v1/batch", events("after", 4)).want(t, 200, success)
			if n := s.metric(t, "touchline_collector_spool_written_total"); n != written {
				t.Errorf("%v records went to the spool though Kafka is back", n-written)
			}
			rids := map[string]string{}
			for _, r := range s.records(t) {
				if r.ReceivedAt != now.UnixMilli() || !strings.HasPrefix(r.Key, "shop/d/device-") {
					t.Errorf("%+v", r)
				}
				if mid, ok := rids[r.RID]; ok && mid != r.MID {
					t.Errorf("one receipt id for two events")
				}
				rids[r.RID] = r.MID
			}
			if len(rids) != 208 {
				t.Errorf("%d receipts, want 208", len(rids))
			}
			kafkatest.Eventually(t, "the budget to be returned", func() bool {
				return s.metric(t, "touchline_collector_inflight_bytes") == 0
			})
		})
	}
}

// Devices send one request after the other while Kafka goes and comes: each
// device's events are first in the topic in the order in which it sent them.
func TestSpool_keepsOrderThroughOutages(t *testing.T) {
	const devices, requests = 24, 40
	seed := uint64(time.Now().UnixNano())
	t.Logf("seed %d", seed)
	s := startOn(t, kafkatest.Start(t), zap.NewNop(), spooled(t.TempDir()))
	kafka := control(s.cluster)
	stop := make(chan struct{})
	var moods sync.WaitGroup
	moods.Go(func() {
		random := rand.New(rand.NewPCG(seed, 0))
		for {
			select {
			case <-stop:
				kafka.Store(int32(none))
				return
			case <-time.After(time.Duration(random.IntN(400)) * time.Millisecond):
				kafka.Store(int32(random.IntN(2)) * random.Int32N(int32(outages)))
			}
		}
	})
	var clients sync.WaitGroup
	for d := range devices {
		clients.Go(func() {
			random := rand.New(rand.NewPCG(seed, uint64(d+1)))
			for n := range requests {
				body := fmt.Sprintf(`{"batch":[{"event":"E","anonymousId":"d%d","messageId":"%d-%04da"},{"event":"E","anonymousId":"d%d","messageId":"%d-%04db"}]}`, d, d, n, d, d, n)
				a, err := s.try("POST /v1/batch HTTP/1.1"+basic("wk_test"), body)
				if err != nil || a.StatusCode != 200 {
					t.Errorf("device %d, request %d: %v %v", d, n, a, err)
					return
				}
				<-time.After(time.Duration(random.IntN(60)) * time.Millisecond)
			}
		})
	}
	clients.Wait()
	close(stop)
	moods.Wait()
	s.drained(t)
	first := map[string][]string{}
	seen := map[string]bool{}
	total := 0
	for _, r := range s.records(t) {
		total++
		if !seen[r.RID] {
			seen[r.RID] = true
			first[r.Key] = append(first[r.Key], string(r.Event))
		}
	}
	for d := range devices {
		got := first[fmt.Sprintf("shop/d/d%d", d)]
		if len(got) != 2*requests || !slices.IsSorted(got) {
			t.Errorf("device %d: %d events, want %d; in order: %v", d, len(got), 2*requests, slices.IsSorted(got))
		}
	}
	t.Logf("%v records went through the spool, %d records are in the topic for %d events",
		s.metric(t, "touchline_collector_spool_drained_total"), total, 2*devices*requests)
}

// One partition has no leader: only its events go to the spool, and requests that
// do not need it do not touch the disk.
func TestSpool_isForThePartitionsThatNeedIt(t *testing.T) {
	s := startOn(t, kafkatest.Start(t), zap.NewNop(), spooled(t.TempDir()))
	s.post(t, "/v1/batch", events("before", 20)).want(t, 200, success)
	var without atomic.Bool
	without.Store(true)
	s.cluster.Control().ControlKey(int16(kmsg.Produce), func(req kmsg.Request) (kmsg.Response, error, bool) {
		s.cluster.Control().KeepControl()
		if !without.Load() {
			return nil, nil, false
		}
		for i := range req.(*kmsg.ProduceRequest).Topics { // what is not in the answer is sent again
			topic := &req.(*kmsg.ProduceRequest).Topics[i]
			topic.Partitions = slices.DeleteFunc(topic.Partitions, func(p kmsg.ProduceRequestTopicPartition) bool { return p.Partition == 0 })
		}
		return nil, nil, false
	})
	s.post(t, "/v1/batch", events("first", 40)).want(t, 200, success)
	if n := s.metric(t, "touchline_collector_spool_partitions"); n != 1 {
		t.Errorf("%v partitions wait, want 1", n)
	}
	for i := range 10 {
		s.post(t, "/v1/batch", events(fmt.Sprint("more-", i), 40)).want(t, 200, success)
	}
	direct := 0
	for _, r := range s.records(t) {
		if r.Partition == 0 && !strings.Contains(string(r.Event), `"before-`) {
			t.Error("the partition without a leader has a record")
		}
		direct++
	}
	if waiting := int(s.metric(t, "touchline_collector_spool_records")); direct+waiting != 20+11*40 || waiting == 0 {
		t.Errorf("%d in the topic and %d in the spool, want 460", direct, waiting)
	}
	without.Store(false)
	s.drained(t)
	taken := map[string]int{"before": 20, "first": 40}
	for i := range 10 {
		taken[fmt.Sprint("more-", i)] = 40
	}
	s.wantHeld(t, taken)
}

var errAway = errors.New("away")

// The collector starts while there is no Kafka, is ready and takes events. What
// waited before it was stopped leaves first.
func TestSpool_startsWithoutKafka(t *testing.T) {
	var away atomic.Bool
	away.Store(true)
	cluster, dir := kafkatest.Start(t), t.TempDir()
	to := func(ctx context.Context, network, addr string) (net.Conn, error) {
		if away.Load() {
			return nil, errAway
		}
		return (&net.Dialer{}).DialContext(ctx, network, addr)
	}
	taken := map[string]int{}
	for run := range 3 {
		said := &logs{}
		s := startWith(t, cluster, zap.New(zapcore.NewCore(zapcore.NewJSONEncoder(zapcore.EncoderConfig{MessageKey: "msg"}), zapcore.AddSync(said), zap.InfoLevel)), to, spooled(dir))
		if reasons := s.health.Reasons(); len(reasons) > 0 {
			t.Errorf("run %d: not ready: %v", run, reasons)
		}
		if s.metric(t, "touchline_collector_kafka_reachable") != 0 {
			t.Error("Kafka is said to be reachable")
		}
		for i := range 5 {
			s.post(t, "/v1/track", fmt.Sprintf(`{"event":"E","anonymousId":"device","messageId":"%d-%d-0"}`, run, i)).want(t, 200, success)
			taken[fmt.Sprintf("%d-%d", run, i)] = 1
		}
		if err := s.stop(); err != nil {
			t.Fatal(err)
		}
		if want := fmt.Sprint(5 * (run + 1)); said.field("events stay in the spool and are sent after the next start", "events") != want {
			t.Errorf("run %d does not say that %s events stay:\n%s", run, want, said)
		}
	}
	away.Store(false)
	s := startWith(t, cluster, zap.NewNop(), to, spooled(dir))
	s.post(t, "/v1/track", `{"event":"E","anonymousId":"device","messageId":"3-0-0"}`).want(t, 200, success)
	s.drained(t)
	kafkatest.Eventually(t, "Kafka to be seen", func() bool { return s.metric(t, "touchline_collector_kafka_reachable") == 1 })
	s.wantHeld(t, taken)
	var order []string
	for _, r := range s.records(t) {
		order = append(order, string(r.Event))
	}
	if !slices.IsSorted(order) {
		t.Errorf("out of order: %v", order)
	}
}

// Above the watermark requests get 503, the collector is not ready and says why,
// and both end by themselves when the spool has drained.
func TestSpool_shedsAboveTheWatermark(t *testing.T) {
	s := startOn(t, kafkatest.Start(t), zap.NewNop(), spooled(t.TempDir()), func(c *collector.Config) {
		c.Spool.MaxBytes, c.Spool.Watermark = 16*config.MiB, 0.2
	})
	kafka := control(s.cluster)
	kafka.Store(int32(silent))
	long := strings.Repeat("x", 200_000)
	taken, shed := map[string]int{}, 0
	for i := range 40 {
		name := fmt.Sprint("e", i)
		a := s.post(t, "/v1/track", fmt.Sprintf(`{"event":"E","userId":"u","messageId":"%s-0","properties":{"x":"%s"}}`, name, long))
		if a.StatusCode == 200 {
			taken[name] = 1
			continue
		}
		a.want(t, 503, unavailable)
		if a.Header.Get("Retry-After") == "" {
			t.Error("no Retry-After")
		}
		shed++
	}
	if len(taken) < 10 || shed < 10 {
		t.Errorf("%d taken and %d shed", len(taken), shed)
	}
	if reason := s.health.Reasons()["spool"]; !strings.Contains(reason, "wait in it for Kafka") {
		t.Errorf("readiness says %v", s.health.Reasons())
	}
	kafka.Store(int32(none))
	s.drained(t)
	s.wantHeld(t, taken)
	s.post(t, "/v1/track", `{"userId":"u"}`).want(t, 200, success)
	if reasons := s.health.Reasons(); len(reasons) > 0 {
		t.Errorf("not ready: %v", reasons)
	}
}

// A record that the broker never takes is refused as without a spool: it would
// hold up its partition for ever.
func TestSpool_doesNotTakeWhatTheBrokerNeverTakes(t *testing.T) {
	s := startOn(t, kafkatest.Start(t), zap.NewNop(), spooled(t.TempDir()))
	var refuse atomic.Bool
	refuse.Store(true)
	s.cluster.Control().ControlKey(int16(kmsg.Produce), func(req kmsg.Request) (kmsg.Response, error, bool) {
		s.cluster.Control().KeepControl()
		if !refuse.Load() {
			return nil, nil, false
		}
		return refused(req.(*kmsg.ProduceRequest), kerr.MessageTooLarge), nil, true
	})
	s.post(t, "/v1/batch", events("a", 3)).want(t, 503, unavailable)
	if n := s.metric(t, "touchline_collector_spool_written_total"); n != 0 {
		t.Errorf("%v records in the spool", n)
	}
	refuse.Store(false)
	s.post(t, "/v1/batch", events("b", 3)).want(t, 200, success)
}

func TestSpool_isForOneCollector(t *testing.T) {
	dir := t.TempDir()
	s := start(t, spooled(dir))
	cfg := collector.Default()
	spooled(dir)(&cfg)
	if _, err := collector.New(cfg, collector.Deps{
		Deps:     telemetry.Deps{Log: zap.NewNop(), Metrics: prometheus.NewRegistry(), Health: telemetry.NewHealth(), Now: time.Now},
		Projects: func() *projects.Set { return s.projects },
	}); err == nil || !strings.Contains(err.Error(), "another process is using the spool") {
		t.Errorf("a second collector on the directory: %v", err)
	}
}

// The raw topic is deleted and made again, and what waits goes to the new one.
func TestSpool_outlivesTheTopic(t *testing.T) {
	s := startOn(t, kafkatest.Start(t), zap.NewNop(), spooled(t.TempDir()))
	kafka := control(s.cluster)
	kafka.Store(int32(leaderless))
	taken := map[string]int{}
	for i := range 10 {
		name := fmt.Sprint("a", i)
		s.post(t, "/v1/batch", events(name, 5)).want(t, 200, success)
		taken[name] = 5
	}
	cl := s.cluster.Client(t)
	if _, err := kadm.NewClient(cl).DeleteTopic(t.Context(), topics.Raw); err != nil {
		t.Fatal(err)
	}
	if _, err := brokers.Apply(t.Context(), cl, topics.EmbeddedPartitions, 1); err != nil {
		t.Fatal(err)
	}
	kafka.Store(int32(none))
	s.drained(t)
	s.wantHeld(t, taken)
}

// When a record of a partition fails, the client fails all behind it, also those
// of later requests: the spool gets the end of what was sent, never its middle.
func TestClientFailsWhatIsBehindARecordThatFails(t *testing.T) {
	cluster := kafkatest.Start(t)
	var refuse atomic.Bool
	control := cluster.Control()
	entered := make(chan struct{}, 100)
	release := make(chan struct{})
	control.ControlKey(int16(kmsg.Produce), func(req kmsg.Request) (kmsg.Response, error, bool) {
		control.KeepControl()
		if !refuse.CompareAndSwap(true, false) {
			return nil, nil, false
		}
		entered <- struct{}{}
		control.SleepControl(func() { <-release })
		return refused(req.(*kmsg.ProduceRequest), kerr.UnknownServerError), nil, true
	})
	cl := cluster.Client(t, kgo.ProducerBatchMaxBytes(1<<20))
	produce := func(n int) chan error {
		done := make(chan error, 1)
		cl.Produce(t.Context(), &kgo.Record{Topic: topics.Raw, Partition: 1, Value: fmt.Append(nil, n)}, func(_ *kgo.Record, err error) { done <- err })
		return done
	}
	if err := <-produce(0); err != nil {
		t.Fatal(err)
	}
	written, failures := 1, 0
	for failures < 5 {
		refuse.Store(true)
		all := []chan error{produce(1)}
		<-entered
		for n := range 50 {
			all = append(all, produce(2+n))
		}
		release <- struct{}{}
		failed := false
		for n, done := range all {
			switch err := <-done; {
			case err != nil:
				failed = true
			case failed:
				t.Errorf("record %d was acknowledged behind one that failed", n)
			default:
				written++
			}
		}
		if failed { // else the refusal met what was in flight of the round before
			failures++
		}
	}
	if n := len(cluster.ReadAll(t, topics.Raw, 1)); n != written {
		t.Errorf("%d records in the topic, want %d", n, written)
	}
}

// A kill at any time during outages loses nothing that was answered 200.
func TestSpool_survivesKills(t *testing.T) {
	seed := uint64(time.Now().UnixNano())
	t.Logf("seed %d", seed)
	random := rand.New(rand.NewPCG(seed, 0))
	cluster := kafkatest.Start(t)
	s := &service{cluster: cluster}
	kafka := control(cluster)
	dir := filepath.Join(t.TempDir(), "spool")
	var mu sync.Mutex
	taken := map[string]int{}
	for round := range 6 {
		kafka.Store(random.Int32N(int32(outages)-1) + 1)
		c := startCollector(t, cluster, "--spool.dir", dir, "--spool.deadline", "50ms", "--spool.min-free", "32MiB")
		var clients sync.WaitGroup
		for w := range 8 {
			clients.Go(func() {
				for n := 0; ; n++ {
					name := fmt.Sprintf("r%d-w%d-%d", round, w, n)
					status, err := postTo(c.addr, events(name, 5))
					if err != nil {
						return // it is dead
					}
					if status == 200 {
						mu.Lock()
						taken[name] = 5
						mu.Unlock()
					}
				}
			})
		}
		<-time.After(time.Duration(200+random.IntN(600)) * time.Millisecond)
		c.kill(t)
		clients.Wait()
		if _, err := c.cmd.Process.Wait(); err != nil {
			t.Fatal(err)
		}
	}
	kafka.Store(int32(none))
	last := startWith(t, cluster, zap.NewNop(), nil, spooled(dir))
	last.drained(t)
	s.wantHeld(t, taken)
	receipts := map[string]bool{}
	for _, r := range s.records(t) {
		receipts[r.RID] = true
	}
	t.Logf("%d events taken, %d receipts", 5*len(taken), len(receipts))
	if len(taken) < 20 {
		t.Errorf("only %d requests taken: %v", len(taken), slices.Sorted(maps.Keys(taken)))
	}
}

// postTo posts a batch on a connection of its own.
func postTo(addr, body string) (status int, err error) {
	req, err := http.NewRequest("POST", "http://"+addr+"/v1/batch", strings.NewReader(body))
	if err != nil {
		return 0, err
	}
	req.SetBasicAuth("wk_test", "")
	req.Close = true
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		return 0, err
	}
	return res.StatusCode, res.Body.Close()
}
