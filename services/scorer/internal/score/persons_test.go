package score

import (
	"testing"

	"github.com/twmb/franz-go/pkg/kgo"
	"google.golang.org/protobuf/proto"

	pb "touchline.dev/schemas/touchlinepb"
	"touchline.dev/services/scorer/internal/snapshot"
)

// Offsets of a raw log that was made again are lower than those before: the
// generation decides, then the offset.
func TestPersons_keepsTheSnapshotThatReachesFarther(t *testing.T) {
	p := newPersons()
	for _, c := range []struct {
		epoch, src, events uint64
		news               bool
	}{
		{1, 500, 10, true},
		{2, 500, 11, false}, // the same stamp is the same content
		{3, 499, 12, false},
		{1<<32 | 1, 2, 13, true},
		{4, 600, 14, false}, // a late one of before
		{1<<32 | 2, 3, 15, true},
		{2 << 32, 0, 16, true},
	} {
		value, err := proto.Marshal(&pb.Fragment{Project: "shop", PersonId: 7, Src: c.src, Events: c.events})
		if err != nil {
			t.Fatal(err)
		}
		key := snapshot.Key{Person: snapshot.PersonKey("shop", 7), Epoch: c.epoch, Device: "shop/d/a"}
		who, err := p.take(&kgo.Record{Key: key.Text(), Value: value})
		if err != nil {
			t.Fatal(err)
		}
		if (who != nil) != c.news {
			t.Errorf("epoch %d, offset %d: news %v, want %v", c.epoch, c.src, who != nil, c.news)
		}
		if who == nil {
			continue
		}
		fragments, err := who.decode()
		if err != nil || len(fragments) != 1 || fragments[0].Events != c.events {
			t.Errorf("epoch %d, offset %d: holds %v (%v)", c.epoch, c.src, fragments, err)
		}
	}
}
