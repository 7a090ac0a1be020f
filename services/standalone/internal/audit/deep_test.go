package audit

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/google/uuid"

	"touchline.dev/schemas/event"
)

func offsets(from, to int64) Range {
	return Range{From: Bound{Offset: from}, To: Bound{Offset: to}, Partition: -1}
}

// deep compares and returns the differences as "partition offset kind".
func (w *world) deep(r Range) (Compared, []string) {
	w.t.Helper()
	found, err := w.auditor().Deep(w.t.Context(), r)
	if err != nil {
		w.t.Fatal(err)
	}
	var list []string
	for _, d := range found.Differences {
		list = append(list, fmt.Sprintf("%d %d %s", d.Partition, d.Offset, d.Kind))
	}
	if int(found.Differing) != len(list) {
		w.t.Errorf("%d differ, %d are named", found.Differing, len(list))
	}
	return found, list
}

func TestDeep_namesTheOffsetsThatDiffer(t *testing.T) {
	w := newWorld(t)
	w.accept(0, some(40, "p", event.Stored)...)
	w.accept(0, some(5, "p", event.Duplicate)...)
	w.accept(0, some(10, "q", event.Rejected)...)
	w.accept(0, some(5, "q", event.LostRetention)...)
	w.accept(0, some(40, "p", event.Stored)...)
	w.accept(2, some(20, "p", event.Stored)...)
	w.answer(0, 0, 29)
	w.answer(0, 10, 69) // a writer that has started again
	w.answer(0, 75, 79) // a hole
	w.answer(0, 60, 99)
	w.answer(2, 0, 19)
	w.land(0, 59)
	w.land(0, 89)
	w.land(2, 19)
	found, list := w.deep(offsets(0, 99))
	if len(list) > 0 || found.Records != 110 || found.InFlight != 10 || found.Expired != 0 || found.Repeats != 30 {
		t.Fatalf("found %+v", found)
	}

	w.exec("DELETE FROM touchline.touchpoints WHERE src_partition = 0 AND src_offset IN (3, 65)")
	w.exec("INSERT INTO touchline.touchpoints SELECT * FROM touchline.touchpoints WHERE src_partition = 2 AND src_offset = 7")
	w.exec("INSERT INTO touchline.touchpoints (project, event, event_id, event_time, received_at, src_topic, src_partition, src_offset) VALUES ('p', 'e', generateUUIDv4(), now(), now(), ?, 0, 42)", w.raw)
	w.exec("DELETE FROM touchline.rejected WHERE src_offset = 50")
	w.exec("INSERT INTO touchline.rejected SELECT * FROM touchline.rejected WHERE src_offset = 51")
	w.exec("ALTER TABLE touchline.touchpoints UPDATE receipt_id = ? WHERE src_partition = 0 AND src_offset = 66 SETTINGS mutations_sync = 2", uuid.NewString())
	// An event that ClickHouse refused: the dense log says stored.
	w.exec("INSERT INTO touchline.rejected (project, reason, receipt_id, received_at, src_topic, src_partition, src_offset) SELECT project, 'refused_by_storage', receipt_id, received_at, src_topic, src_partition, src_offset FROM touchline.touchpoints WHERE src_partition = 0 AND src_offset = 70")
	w.exec("DELETE FROM touchline.touchpoints WHERE src_partition = 0 AND src_offset = 70")
	want := []string{
		"0 3 missing_in_table", "0 42 decided_otherwise", "0 50 missing_in_table", "0 51 twice_in_table",
		"0 65 missing_in_table", "0 66 other_receipt", "2 7 twice_in_table",
	}
	if _, list = w.deep(offsets(0, 99)); !slices.Equal(list, want) {
		t.Errorf("differences are %q, want %q", list, want)
	}
	one := offsets(3, 50)
	one.Partition = 0
	if found, list = w.deep(one); !slices.Equal(list, want[:3]) || found.Records != 48 {
		t.Errorf("differences are %q of %d records, want %q of 48", list, found.Records, want[:3])
	}
	hour := Range{From: Bound{Time: time.Now().Add(-time.Hour)}, To: Bound{Time: time.Now().Add(time.Hour)}, Partition: -1}
	if _, list = w.deep(hour); !slices.Equal(list, want) {
		t.Errorf("differences are %q, want %q", list, want)
	}
	hour.To = Bound{Time: time.Now().Add(-30 * time.Minute)}
	if found, _ = w.deep(hour); found.Records != 0 {
		t.Errorf("%d records were appended before the test", found.Records)
	}

	w.expire(0, 60)
	if found, list = w.deep(offsets(0, 99)); !slices.Equal(list, want[4:]) || found.Expired != 60 || found.Records != 50 {
		t.Errorf("found %+v, want the differences %q", found, want[4:])
	}
}

// The mark is past records that the dense log does not answer.
func TestDeep_missingInTheDenseLog(t *testing.T) {
	w := newWorld(t)
	w.accept(1, some(30, "p", event.Stored)...)
	w.answer(1, 0, 9)
	w.answer(1, 12, 29)
	w.land(1, 29)
	_, list := w.deep(offsets(8, 13))
	if want := []string{"1 10 missing_in_dense_log", "1 11 missing_in_dense_log", "1 12 missing_in_dense_log", "1 13 missing_in_dense_log"}; !slices.Equal(list, want) {
		t.Errorf("differences are %q, want %q", list, want)
	}
}
