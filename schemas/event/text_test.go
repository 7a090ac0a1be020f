package event_test

import (
	"bytes"
	"slices"
	"strings"
	"testing"

	"google.golang.org/protobuf/proto"

	"touchline.dev/schemas/event"
)

// Strings are copied in words and checked on the way: every length, every place
// of what is not ASCII, and every capacity of the buffer gives what the official
// library writes.
func TestAppend_everyLength(t *testing.T) {
	letters := strings.Repeat("abcdefghijklmnopqrstuvwxyz", 6)
	for n := range 132 {
		if n > 34 && n < 122 {
			continue // of these lengths only the number of words differs
		}
		for at := range max(n, 1) {
			if n > 34 && at > 17 && at < n-17 {
				continue
			}
			for _, odd := range []string{"", "\u00e9", "\xff", "\u2028", "\xf0\x9f", "\x7f", "\x80"} {
				text := letters[:at] + odd + letters[min(at+len(odd), n):n]
				e := event.Enriched{Outcome: event.Stored, Project: text, Touchpoint: event.Touchpoint{Event: text, URL: text, BotReasons: []string{text, ""}}}
				valid := strings.ToValidUTF8(text, "\uFFFD")
				want := event.Enriched{Outcome: event.Stored, Project: valid, Touchpoint: event.Touchpoint{Event: valid, URL: valid, BotReasons: []string{valid, ""}}}
				official, err := proto.MarshalOptions{Deterministic: true}.Marshal(enrichedToProto(&want))
				if err != nil {
					t.Fatal(err)
				}
				if got := e.Append(nil); !bytes.Equal(got, official) {
					t.Fatalf("%q: wrote\n%x\nofficial\n%x", text, got, official)
				}
			}
		}
	}
}

func TestAppend_everyCapacity(t *testing.T) {
	for _, e := range []*event.Enriched{sampleStored(), sampleRejected()} {
		want := e.Append(nil)
		before := []byte("before")
		for room := range len(want) + 20 {
			memory := bytes.Repeat([]byte{0xaa}, len(before)+room+8)
			copy(memory, before)
			got := e.Append(memory[: len(before) : len(before)+room])
			if !bytes.Equal(got, slices.Concat(before, want)) {
				t.Fatalf("with room for %d: wrote\n%x\nwant\n%x", room, got, want)
			}
			if !bytes.Equal(memory[len(before)+room:], bytes.Repeat([]byte{0xaa}, 8)) {
				t.Fatalf("with room for %d: wrote behind it", room)
			}
		}
	}
}
