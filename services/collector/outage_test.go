package collector_test

import (
	"fmt"
	"maps"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kmsg"
	"go.uber.org/zap"

	"touchline.dev/schemas/topics"
	"touchline.dev/services/internal/kafka"
	"touchline.dev/services/internal/kafkatest"
)

// refused answers every partition of a produce request with an error.
func refused(req *kmsg.ProduceRequest, err *kerr.Error) kmsg.Response {
	res := req.ResponseKind().(*kmsg.ProduceResponse)
	for _, topic := range req.Topics {
		rt := kmsg.NewProduceResponseTopic()
		rt.Topic, rt.TopicID = topic.Topic, topic.TopicID
		for _, p := range topic.Partitions {
			rp := kmsg.NewProduceResponseTopicPartition()
			rp.Partition, rp.ErrorCode = p.Partition, err.Code
			rt.Partitions = append(rt.Partitions, rp)
		}
		res.Topics = append(res.Topics, rt)
	}
	return res
}

// wantHeld checks that every event of a batch that was answered 200 is in the
// topic.
func (s *service) wantHeld(t *testing.T, taken map[string]int) {
	t.Helper()
	have := map[string]bool{}
	for _, r := range s.records(t) {
		have[r.MID] = true
	}
	for name, n := range taken {
		for i := range n {
			if !have[mid(name, i)] {
				t.Errorf("event %d of %s was answered 200 and is not in the topic", i, name)
			}
		}
	}
}

// burst posts batches at the same time and returns the sizes of those that were
// answered 200. Every other one is answered 503, in the SDK's terms and in time.
func (s *service) burst(t *testing.T, name string, requests int, limit time.Duration) map[string]int {
	t.Helper()
	const size = 4
	var mu sync.Mutex
	taken := map[string]int{}
	var wait sync.WaitGroup
	for i := range requests {
		wait.Go(func() {
			batch := fmt.Sprintf("%s-%d", name, i)
			began := time.Now()
			a, err := s.try("POST /v1/batch HTTP/1.1"+basic("wk_test"), events(batch, size))
			took := time.Since(began)
			switch {
			case err != nil:
				t.Error(err)
			case a.StatusCode == 200:
				mu.Lock()
				taken[batch] = size
				mu.Unlock()
			default:
				a.want(t, 503, unavailable)
				if a.Header.Get("Retry-After") != "1" {
					t.Errorf("Retry-After %q", a.Header.Get("Retry-After"))
				}
			}
			if took > limit {
				t.Errorf("answered after %s, want at most %s", took, limit)
			}
		})
	}
	wait.Wait()
	return taken
}

// Whatever a broker refuses a burst of writes with, the producer is fit for the
// next request, and nothing was answered 200 meanwhile.
func TestProducerIsFitAfterRefusals(t *testing.T) {
	for _, refusal := range []*kerr.Error{
		kerr.UnknownServerError, // a full disk of the embedded broker
		kerr.KafkaStorageError,  // a full disk of Kafka
		kerr.InvalidRecord, kerr.MessageTooLarge, kerr.CorruptMessage, kerr.PolicyViolation,
		kerr.TopicAuthorizationFailed, kerr.ClusterAuthorizationFailed,
		kerr.NotEnoughReplicas, kerr.NotEnoughReplicasAfterAppend, kerr.NotLeaderForPartition,
		kerr.OutOfOrderSequenceNumber, kerr.UnknownProducerID, kerr.InvalidProducerIDMapping, kerr.InvalidProducerEpoch, kerr.ProducerFenced,
	} {
		t.Run(refusal.Message, func(t *testing.T) {
			t.Parallel()
			const ack = time.Second
			s := startOn(t, kafkatest.Start(t), zap.NewNop(), ackWithin(ack))
			var refuse atomic.Bool
			s.cluster.Control().ControlKey(int16(kmsg.Produce), func(req kmsg.Request) (kmsg.Response, error, bool) {
				s.cluster.Control().KeepControl()
				if !refuse.Load() {
					return nil, nil, false
				}
				return refused(req.(*kmsg.ProduceRequest), refusal), nil, true
			})
			s.post(t, "/v1/batch", events("before", 4)).want(t, 200, success)
			refuse.Store(true)
			if taken := s.burst(t, "burst", 20, 10*ack); len(taken) > 0 {
				t.Errorf("%d requests answered 200 though their events were refused", len(taken))
			}
			if s.health.Reasons()["acknowledgements"] == "" {
				t.Error("ready though nothing is acknowledged")
			}
			refuse.Store(false)
			taken := map[string]int{"before": 4}
			kafkatest.Eventually(t, "a request to be taken", func() bool {
				name := fmt.Sprintf("after-%d", len(taken))
				if s.post(t, "/v1/batch", events(name, 4)).StatusCode != 200 {
					return false
				}
				taken[name] = 4
				return true
			})
			s.wantHeld(t, taken)
			kafkatest.Eventually(t, "the budget to be returned", func() bool {
				return s.metric(t, "touchline_collector_inflight_bytes") == 0
			})
		})
	}
}

// A broker can write a batch and then answer with an error. The next batch must
// not get the sequence numbers of that one: the broker would take it for a repeat
// and acknowledge it without writing it.
func TestBatchAfterAWrittenOneThatWasRefusedIsWritten(t *testing.T) {
	s := startOn(t, kafkatest.Start(t), zap.NewNop())
	forward := s.cluster.Client(t)
	control := s.cluster.Control()
	var refuse, forwarded atomic.Bool
	control.ControlKey(int16(kmsg.Produce), func(req kmsg.Request) (kmsg.Response, error, bool) {
		control.KeepControl()
		if !refuse.CompareAndSwap(true, false) {
			return nil, nil, false
		}
		control.SleepControl(func() {
			res, err := forward.Broker(0).Request(t.Context(), req)
			if err != nil {
				t.Errorf("forward: %v", err)
				return
			}
			written := res.(*kmsg.ProduceResponse).Topics[0].Partitions[0]
			forwarded.Store(written.ErrorCode == 0)
		})
		return refused(req.(*kmsg.ProduceRequest), kerr.UnknownServerError), nil, true
	})
	s.post(t, "/v1/batch", oneDevice("a")).want(t, 200, success)
	refuse.Store(true)
	s.post(t, "/v1/batch", oneDevice("b")).want(t, 503, unavailable)
	if !forwarded.Load() {
		t.Fatal("the refused batch was not written")
	}
	s.post(t, "/v1/batch", oneDevice("c")).want(t, 200, success)
	s.wantHeld(t, map[string]int{"a": 1, "b": 1, "c": 1})
}

// oneDevice returns a batch of one event; all of them go to the same partition.
func oneDevice(name string) string {
	return fmt.Sprintf(`{"batch":[{"type":"track","event":"E","messageId":"%s-0","anonymousId":"device"}]}`, name)
}

// The raw topic is deleted and created again under its name: requests are taken
// again without a restart.
func TestTopicCreatedAnew(t *testing.T) {
	s := startOn(t, kafkatest.Start(t), zap.NewNop())
	s.post(t, "/v1/batch", events("before", 8)).want(t, 200, success)
	kafkatest.Eventually(t, "the topic to be known", func() bool { return len(s.health.Reasons()) == 0 })
	cl := s.cluster.Client(t)
	if _, err := kadm.NewClient(cl).DeleteTopic(t.Context(), topics.Raw); err != nil {
		t.Fatal(err)
	}
	if taken := s.burst(t, "without", 5, 10*time.Second); len(taken) > 0 {
		t.Errorf("%d requests answered 200 without a topic", len(taken))
	}
	if _, err := kafka.Apply(t.Context(), cl, topics.EmbeddedPartitions, 1); err != nil {
		t.Fatal(err)
	}
	taken := map[string]int{}
	kafkatest.Eventually(t, "requests to be taken again", func() bool {
		more := s.burst(t, fmt.Sprintf("after-%d", time.Now().UnixNano()), 1, 10*time.Second)
		maps.Copy(taken, more)
		return len(more) == 1
	})
	s.wantHeld(t, taken)
}
