package score

import (
	"fmt"
	"math/rand/v2"
	"testing"

	"github.com/twmb/franz-go/pkg/kgo"
	"google.golang.org/protobuf/proto"

	"touchline.dev/services/scorer/internal/fragment"
	"touchline.dev/services/scorer/internal/profile"
	"touchline.dev/services/scorer/internal/rules"
	"touchline.dev/services/scorer/internal/scorertest"
)

// BenchmarkTake is what a snapshot costs that is read back.
func BenchmarkTake(b *testing.B) {
	recs := visitors(b)
	p := newPersons()
	b.ReportAllocs()
	for i := 0; b.Loop(); i++ {
		if i%len(recs) == 0 {
			p = newPersons()
		}
		if _, err := p.take(recs[i%len(recs)]); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkScore is what a person's profile costs from its snapshot to its record,
// without Kafka.
func BenchmarkScore(b *testing.B) {
	known, err := rules.Load("")
	if err != nil {
		b.Fatal(err)
	}
	maker := profile.New(known, fragment.New(known.Watch()))
	var people []*person
	p := newPersons()
	for _, r := range visitors(b) {
		who, err := p.take(r)
		if err != nil {
			b.Fatal(err)
		}
		people = append(people, who)
	}
	b.ReportAllocs()
	for i := 0; b.Loop(); i++ {
		fragments, err := people[i%len(people)].decode()
		if err != nil {
			b.Fatal(err)
		}
		if _, err := (proto.MarshalOptions{Deterministic: true}).Marshal(maker.Make(fragments, scorertest.Start)); err != nil {
			b.Fatal(err)
		}
	}
}

func visitors(b *testing.B) []*kgo.Record {
	b.Helper()
	r := rand.New(rand.NewPCG(1, 2))
	var recs []*kgo.Record
	for i := range 1000 {
		recs = append(recs, scorertest.Visitor(b, r, r.Uint64(), fmt.Sprintf("shop/d/0191e7a5-4f64-7c5e-a9f4-%012x", i)))
	}
	return recs
}
