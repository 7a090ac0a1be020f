package event_test

import (
	"testing"

	"google.golang.org/protobuf/proto"

	"touchline.dev/schemas/event"
	"touchline.dev/schemas/touchlinepb"
)

// BenchmarkCodec compares this package with the official library, each in the
// cheapest way it allows: buffers and messages are used again.
func BenchmarkCodec(b *testing.B) {
	raw, stored := sampleRaw(), sampleStored()
	b.Run("raw", func(b *testing.B) {
		codec(b, raw.Append, (&event.Raw{}).Decode, rawToProto(raw), &touchlinepb.Raw{})
	})
	b.Run("enriched", func(b *testing.B) {
		codec(b, stored.Append, (&event.Enriched{}).Decode, enrichedToProto(stored), &touchlinepb.Enriched{})
	})
}

func codec(b *testing.B, encode func([]byte) []byte, decode func([]byte) error, m, into proto.Message) {
	wire := encode(nil)
	buffer := make([]byte, 0, 2*len(wire))
	b.Run("encode/ours", func(b *testing.B) {
		b.ReportAllocs()
		b.SetBytes(int64(len(wire)))
		for b.Loop() {
			encode(buffer[:0])
		}
	})
	b.Run("encode/official", func(b *testing.B) {
		b.ReportAllocs()
		b.SetBytes(int64(len(wire)))
		for b.Loop() {
			if _, err := (proto.MarshalOptions{}).MarshalAppend(buffer[:0], m); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("decode/ours", func(b *testing.B) {
		b.ReportAllocs()
		b.SetBytes(int64(len(wire)))
		for b.Loop() {
			if err := decode(wire); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("decode/official", func(b *testing.B) {
		b.ReportAllocs()
		b.SetBytes(int64(len(wire)))
		for b.Loop() {
			if err := proto.Unmarshal(wire, into); err != nil {
				b.Fatal(err)
			}
		}
	})
}
