package snapshot_test

import (
	"context"
	"crypto/rand"
	"fmt"
	"testing"

	"github.com/twmb/franz-go/pkg/kgo"
	"pgregory.net/rapid"

	"touchline.dev/schemas/event"
	"touchline.dev/schemas/topics"
	"touchline.dev/services/internal/kafkatest"
	"touchline.dev/services/scorer/internal/snapshot"
)

func TestKey_survivesItsText(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		project := rapid.StringMatching(`[a-z0-9][a-z0-9_-]{0,20}`).Draw(t, "project")
		device := snapshot.Device(event.Key(nil, project, rapid.SliceOf(rapid.Byte()).Draw(t, "device"), nil, nil, nil))
		key := snapshot.Key{
			Person: snapshot.PersonKey(project, rapid.Uint64().Draw(t, "person")),
			Epoch:  rapid.Uint64().Draw(t, "epoch"), Device: device,
		}
		if got, err := snapshot.ParseKey(key.Text()); err != nil || got != key {
			t.Fatalf("%q is read as %+v (%v)", key.Text(), got, err)
		}
	})
	for _, text := range []string{"", "shop", "shop/1/2/3", "shop/0123456789abcdef/x/d", "/0123456789abcdef/1/d", "shop/0123456789abcdef/1"} {
		if key, err := snapshot.ParseKey([]byte(text)); err == nil {
			t.Errorf("%q is read as %+v", text, key)
		}
	}
}

func TestDevice_keepsKeysApart(t *testing.T) {
	valid, broken := snapshot.Device([]byte("shop/d/é")), snapshot.Device([]byte("shop/d/\xe9"))
	if valid != "shop/d/é" || broken != "hex:73686f702f642fe9" {
		t.Errorf("%q, %q", valid, broken)
	}
}

// The hashes are those of Kafka's own tests of murmur2.
func TestPartitioner_agreesWithEveryClient(t *testing.T) {
	for key, hash := range map[string]int32{
		"21": -973932308, "foobar": -790332482, "a-little-bit-long-string": -985981536,
		"a-little-bit-longer-string": -1486304829, "lkjh234lh9fiuh90y23oiuhsafujhadof229phr9h19h89h8": -58897971,
	} {
		for _, partitions := range []int32{1, 4, 12} {
			want := (hash & 0x7fffffff) % partitions
			if got := snapshot.NewPartitioner(partitions).Partition(key); got != want {
				t.Errorf("%s of %d: partition %d, want %d", key, partitions, got, want)
			}
		}
	}
}

// While a log is read back, another writer goes on, removes the keys that it
// replaces, and the broker compacts, with and without moving the start of the
// log: no key is missed.
func TestReadAll_missesNoKeyWhileOthersWrite(t *testing.T) {
	for _, kept := range []int{0, 1} {
		t.Run(fmt.Sprintf("first_%d_kept", kept), func(t *testing.T) { readWhileWritten(t, kept) })
	}
}

func readWhileWritten(t *testing.T, kept int) {
	t.Helper()
	c := kafkatest.Start(t)
	cl := c.Client(t)
	produce := func(recs ...*kgo.Record) {
		if err := cl.ProduceSync(t.Context(), recs...).FirstErr(); err != nil {
			t.Error(err)
		}
	}
	record := func(epoch, i int, value []byte) *kgo.Record {
		return &kgo.Record{Topic: topics.Fragments, Key: fmt.Appendf(nil, "%d/%d", epoch, i), Value: value}
	}
	// Larger than what a client fetches ahead, and not to be compressed.
	const n = 400
	value := make([]byte, 20<<10)
	if _, err := rand.Read(value); err != nil {
		t.Fatal(err)
	}
	for i := range n {
		produce(record(1, i, value))
	}
	reader := snapshot.Reader{Kafka: c.Kafka, Deps: c.Deps, Client: cl}
	moved, seen := false, map[int]bool{}
	end, err := reader.ReadAll(t.Context(), topics.Fragments, 0, func(r *kgo.Record) error {
		var epoch, i int
		if _, err := fmt.Sscanf(string(r.Key), "%d/%d", &epoch, &i); err != nil {
			return err
		}
		if r.Value != nil {
			seen[i] = true
		}
		if !moved {
			moved = true
			for i := kept; i < n; i++ {
				produce(record(2, i, value), record(1, i, nil))
			}
			c.Control().Compact()
		}
		return nil
	})
	if want := int64(n + 2*(n-kept)); err != nil || len(seen) != n || end != want {
		t.Errorf("%d keys of %d, end %d of %d: %v", len(seen), n, end, want, err)
	}
}

func TestAppend_endsWithItsContext(t *testing.T) {
	c := kafkatest.Start(t)
	cl := c.Client(t)
	var recs []*kgo.Record
	for i := range int32(4) {
		recs = append(recs, &kgo.Record{Topic: topics.Persons, Partition: i, Value: []byte("v")})
	}
	if err := snapshot.Append(t.Context(), cl, recs); err != nil {
		t.Fatal(err)
	}
	if got := len(c.ReadAll(t, topics.Persons, 3)); got != 1 {
		t.Errorf("%d records", got)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := snapshot.Append(ctx, cl, recs); err == nil {
		t.Error("append with a context that has ended: no error")
	}
}
