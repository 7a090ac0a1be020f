package rows_test

import (
	"fmt"
	"math"
	"testing"

	"github.com/google/uuid"
	"github.com/twmb/franz-go/pkg/kgo"

	"touchline.dev/schemas/event"
	"touchline.dev/schemas/topics"
	"touchline.dev/services/enricher/internal/rows"
	"touchline.dev/services/internal/clickhouse"
	"touchline.dev/services/internal/clickhousetest"
	"touchline.dev/services/internal/denselog"
)

// linking is a record of the dense log that links persons at that time.
func linking(e event.Enriched, clock int64) *kgo.Record {
	return &kgo.Record{Value: e.Append(nil), Headers: []kgo.RecordHeader{{Key: topics.Clock, Value: fmt.Append(nil, clock)}}}
}

// A device counts to the first user whom it was linked to, whatever lands first; a
// correction is above every link. Chunks that land again change nothing.
func TestBuilder_linksUnifyPersons(t *testing.T) {
	server := clickhousetest.Start(t)
	conn := server.Open(t, server.Writer)
	if _, err := clickhouse.Migrate(t.Context(), conn, server.Config().Account()); err != nil {
		t.Fatal(err)
	}
	link := func(device, previous, user uint64) event.Enriched {
		kind := "identify"
		if previous != 0 {
			kind = "alias"
		}
		return event.Enriched{Outcome: event.Stored, Project: "unified", ReceivedAt: 1795290315405, Touchpoint: event.Touchpoint{
			EventID: uuid.New(), Type: kind, Event: kind, EventTime: 1795290315405, AnonymousID: "a", PreviousID: "p", UserID: "u",
			PersonID: user, LinkedPerson: device, LinkedPrevious: previous,
		}}
	}
	const ms = 1795290315405
	b := rows.New("topic", 3)
	for src, r := range []*kgo.Record{
		linking(link(11, 0, 99), ms+1),               // the second user
		linking(link(12, 13, 98), ms),                // a device and an id given up
		linking(link(14, 0, 97), ms),                 // two in the same millisecond: the first counts
		linking(link(14, 0, 96), ms),                 // .
		linking(link(0, 0, 95), ms),                  // links nobody
		linking(link(15, 0, math.MaxInt64+1), 1<<62), // far beyond any time
		linking(link(16, 0, 94), 0),                  //
	} {
		if err := b.Add(r, denselog.Position{Src: int64(src), Prev: int64(src - 1)}); err != nil {
			t.Fatal(err)
		}
	}
	earlier := rows.New("topic", 4)
	if err := earlier.Add(linking(link(11, 0, 93), ms), denselog.Position{Src: 1 << 40, Prev: denselog.None}); err != nil {
		t.Fatal(err)
	}
	inserter := clickhouse.NewInserter(server.Config())
	for range 2 {
		for token, builder := range map[string]*rows.Builder{"one": b, "two": earlier} {
			for _, block := range builder.Blocks(denselog.None, 9) {
				if block.Rows() == 0 {
					continue
				}
				if err := inserter.Insert(t.Context(), token, block); err != nil {
					t.Fatal(err)
				}
			}
		}
	}
	if err := conn.Exec(t.Context(), "INSERT INTO touchline.person_overrides (project, old_id, new_id, version) VALUES ('unified', 16, 16, 1)"); err != nil {
		t.Fatal(err)
	}
	if err := conn.Exec(t.Context(), "SYSTEM RELOAD DICTIONARY touchline.person_map"); err != nil {
		t.Fatal(err)
	}
	for device, want := range map[uint64]uint64{11: 93, 12: 98, 13: 98, 14: 97, 15: math.MaxInt64 + 1, 16: 16, 17: 17} {
		var got uint64
		if err := conn.QueryRow(t.Context(), "SELECT dictGetOrDefault('touchline.person_map', 'new_id', toUInt64(?), toUInt64(?))", device, device).Scan(&got); err != nil || got != want {
			t.Errorf("device %d counts to %d (%v), want %d", device, got, err, want)
		}
	}
	for query, want := range map[string]string{
		"SELECT toString(count()) FROM touchline.identity_links WHERE project = 'unified'":                                                                                                                "8",
		"SELECT toString(count()) FROM touchline.person_links FINAL WHERE project = 'unified'":                                                                                                            "6",
		"SELECT concat(project, ' ', device_id, ' ', user_id, ' ', type, ' ', src_topic, ' ', toString(src_partition), ' ', toString(src_offset)) FROM touchline.identity_links WHERE device_person = 12": "unified a u alias topic 3 1",
		"SELECT device_id FROM touchline.identity_links WHERE device_person = 13":                                                                                                                         "p",
		"SELECT toString(max(version) < 9223372036854775808) FROM touchline.identity_links":                                                                                                               "1",
	} {
		var got string
		if err := conn.QueryRow(t.Context(), query).Scan(&got); err != nil || got != want {
			t.Errorf("%s: %s (%v), want %s", query, got, err, want)
		}
	}
}

// A chunk that cannot be ordered must not land.
func TestBuilder_refusesALinkWithoutATime(t *testing.T) {
	e := stored("shop", 60_000)
	e.Touchpoint.LinkedPerson = 1
	for _, r := range []*kgo.Record{record(e), {Value: e.Append(nil), Headers: []kgo.RecordHeader{{Key: topics.Clock, Value: []byte("soon")}}}} {
		if err := rows.New("t", 0).Add(r, denselog.Position{Prev: denselog.None}); err == nil {
			t.Errorf("a link with the headers %v was taken", r.Headers)
		}
	}
}
