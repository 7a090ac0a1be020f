package event_test

import (
	"bytes"
	"errors"
	"reflect"
	"testing"

	"google.golang.org/protobuf/encoding/protowire"
	"google.golang.org/protobuf/proto"

	"touchline.dev/schemas/event"
	"touchline.dev/schemas/touchlinepb"
)

func FuzzRawDecode(f *testing.F) {
	for _, r := range []event.Raw{{}, *sampleRaw()} {
		f.Add(r.Append(nil))
	}
	f.Fuzz(func(t *testing.T, wire []byte) {
		var r event.Raw
		err := r.Decode(wire)
		var m touchlinepb.Raw
		if official := proto.Unmarshal(wire, &m); official == nil {
			if err != nil {
				t.Fatalf("Decode = %v; official reads it", err)
			}
			if want := rawFromProto(&m); !reflect.DeepEqual(canonical(&r), canonical(want)) {
				t.Fatalf("Decode read\n%+v\nofficial\n%+v", r, want)
			}
		}
		if err != nil {
			return
		}
		first := r.Append(nil)
		var again event.Raw
		if err := again.Decode(first); err != nil {
			t.Fatalf("Decode of what Append wrote: %v", err)
		}
		if second := again.Append(nil); !bytes.Equal(first, second) {
			t.Fatalf("written once\n%x\ntwice\n%x", first, second)
		}
		if err := proto.Unmarshal(first, &m); err != nil {
			t.Fatalf("official cannot read what Append wrote: %v", err)
		}
	})
}

func FuzzEnrichedDecode(f *testing.F) {
	for _, e := range []*event.Enriched{{}, sampleStored(), sampleRejected(), {Outcome: event.Duplicate, Reason: event.SameMessage}} {
		f.Add(e.Append(nil))
	}
	twice := protowire.AppendBytes(protowire.AppendTag(nil, 7, protowire.BytesType), []byte{0x22, 0x00})
	f.Add(append(sampleRejected().Append(nil), twice...))
	f.Fuzz(func(t *testing.T, wire []byte) {
		var e event.Enriched
		err := e.Decode(wire)
		var m touchlinepb.Enriched
		// The official library has no notion of the length of an id.
		if official := proto.Unmarshal(wire, &m); official == nil && !errors.Is(err, event.ErrIDLength) {
			if err != nil {
				t.Fatalf("Decode = %v; official reads it", err)
			}
			if want := enrichedFromProto(&m); !reflect.DeepEqual(canonical(&e), canonical(want)) {
				t.Fatalf("Decode read\n%+v\nofficial\n%+v", e, want)
			}
		}
		if err != nil {
			return
		}
		first := e.Append(nil)
		var again event.Enriched
		if err := again.Decode(first); err != nil {
			t.Fatalf("Decode of what Append wrote: %v", err)
		}
		if second := again.Append(nil); !bytes.Equal(first, second) {
			t.Fatalf("written once\n%x\ntwice\n%x", first, second)
		}
		if err := proto.Unmarshal(first, &m); err != nil {
			t.Fatalf("official cannot read what Append wrote: %v", err)
		}
	})
}
