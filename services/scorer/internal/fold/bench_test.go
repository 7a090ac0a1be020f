package fold

import (
	"math/rand/v2"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"touchline.dev/schemas/event"
	"touchline.dev/services/internal/denselog"
	"touchline.dev/services/scorer/internal/fragment"
	"touchline.dev/services/scorer/internal/rules"
	"touchline.dev/services/scorer/internal/scorertest"
)

// BenchmarkFold is what an event costs from the record of the dense log to its
// part of a snapshot, without Kafka: 20,000 events of 500 persons, published each
// 5,000 events.
func BenchmarkFold(b *testing.B) {
	const events, publishEvery = 20_000, 5000
	known, err := rules.Load("")
	if err != nil {
		b.Fatal(err)
	}
	stream := scorertest.Streams(rand.New(rand.NewPCG(1, 2)), 1, events, 500)[0]
	recs := stream.Records(0, stream.Len(), 0)
	b.ReportAllocs()
	b.ResetTimer()
	for done := 0; done < b.N; {
		s := newStore(fragment.New(known.Watch()), 0)
		mark := denselog.NewMark(denselog.None)
		var e event.Enriched
		for i, r := range recs[:min(len(recs), b.N-done)] {
			if err := foldRecord(s, &mark, &e, r); err != nil {
				b.Fatal(err)
			}
			if i%publishEvery == publishEvery-1 {
				for _, dirty := range s.dirty {
					if _, err := s.snapshot(dirty); err != nil {
						b.Fatal(err)
					}
					dirty.dirty = false
				}
				s.dirty = s.dirty[:0]
			}
			done++
		}
	}
}

func foldRecord(s *store, mark *denselog.Mark, e *event.Enriched, r *kgo.Record) error {
	pos, err := denselog.Parse(r)
	if err != nil || mark.Judge(pos, time.Time{}) != denselog.Take || pos.Outcome != event.Stored {
		return err
	}
	if err := e.Decode(r.Value); err != nil || e.Touchpoint.IsBot {
		return err
	}
	_, err = s.apply(e.Project, r.Key, &e.Touchpoint, pos.Src)
	return err
}
