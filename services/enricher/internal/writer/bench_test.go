package writer_test

import (
	"crypto/rand"
	"fmt"
	"strconv"
	"syscall"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"touchline.dev/schemas/event"
	"touchline.dev/schemas/topics"
	"touchline.dev/services/enricher/internal/session"
	"touchline.dev/services/internal/denselog"
	"touchline.dev/services/internal/kafkatest"
)

// BenchmarkRebuild reads back the dense log of one partition into an empty index:
// b.N records of about 700 bytes, each with an id of its own. "recent" has all of them
// within session.Keep, so that they make sessions and links as well. The CPU time is
// that of the process, so it includes the broker, which runs in it.
func BenchmarkRebuild(b *testing.B) {
	b.Run("window", func(b *testing.B) { rebuild(b, 7*day) })
	b.Run("recent", func(b *testing.B) { rebuild(b, session.Keep) })
}

func rebuild(b *testing.B, span time.Duration) {
	f := newFixture(b)
	first := time.Now().Add(-7 * day)
	random := make([]byte, 600)
	if _, err := rand.Read(random[:300]); err != nil {
		b.Fatal(err)
	}
	stored := event.Enriched{Outcome: event.Stored, Project: "shop", Touchpoint: event.Touchpoint{
		EventTime: first.UnixMilli(), SessionStart: first.UnixMilli(), Properties: random,
	}}
	// Each of 5,000 devices has a session.
	values := make([][]byte, 5000)
	for i := range values {
		stored.Touchpoint.AnonymousID, stored.Touchpoint.SessionID, stored.Touchpoint.PersonID = fmt.Sprint("device-", i), uint64(i)+1, uint64(i)+1
		values[i] = stored.Append(nil)
	}
	var recs []*kgo.Record
	for i := range b.N {
		id := make([]byte, 16)
		if _, err := rand.Read(id); err != nil {
			b.Fatal(err)
		}
		at := denselog.Position{Src: int64(i), Prev: int64(i) - 1, Outcome: event.Stored}
		clock := first.Add(span / time.Duration(b.N) * time.Duration(i)).UnixMilli()
		recs = append(recs, &kgo.Record{Topic: topics.Enriched, Value: values[i%len(values)], Headers: append(at.Headers(),
			kgo.RecordHeader{Key: topics.Clock, Value: strconv.AppendInt(nil, clock, 10)}, kgo.RecordHeader{Key: topics.MID, Value: id})})
		if len(recs) == 10_000 || i == b.N-1 {
			if err := f.client.ProduceSync(b.Context(), recs...).FirstErr(); err != nil {
				b.Fatal(err)
			}
			recs = recs[:0]
		}
	}
	// The raw log has as many records, and one more that is to be written.
	f.raw(make([]string, b.N+1)...)
	f.commit(int64(b.N), f.state(0))
	b.ResetTimer()
	before := cpu(b)
	f.run()
	kafkatest.Eventually(b, "the record behind", func() bool { return f.committed() > int64(b.N) })
	b.StopTimer()
	b.ReportMetric(f.metric("touchline_enricher_dedup_scanned_total")/f.metric("touchline_enricher_dedup_scan_seconds_total"), "records/s")
	b.ReportMetric((cpu(b)-before).Seconds()/float64(b.N)*1e6, "cpu-s/M")
	if got := f.metric("touchline_enricher_dedup_scanned_total"); got < float64(b.N) {
		b.Error(fmt.Sprint(got, " of ", b.N, " records were read back"))
	}
}

func cpu(b *testing.B) time.Duration {
	b.Helper()
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		b.Fatal(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}
