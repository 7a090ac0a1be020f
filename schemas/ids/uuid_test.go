package ids

import (
	"strings"
	"testing"

	"github.com/google/uuid"
)

const someUUID = "7c7b2291-d5a5-4c8a-b9c8-1e9c47b19b7d"

func TestParseUUID_everyByteEverywhere(t *testing.T) {
	for i := range len(someUUID) {
		for c := range 256 {
			compareUUID(t, someUUID[:i]+string([]byte{byte(c)})+someUUID[i+1:])
		}
	}
	for _, text := range []string{"", someUUID[:35], someUUID + "0", "{" + someUUID + "}", strings.ToUpper(someUUID), strings.ReplaceAll(someUUID, "-", "")} {
		compareUUID(t, text)
	}
}

func FuzzParseUUID(f *testing.F) {
	f.Add(someUUID)
	f.Add("00000000-0000-0000-0000-00000000000g")
	f.Add("::::????-````-0000-ffff-0123456789ab")
	f.Fuzz(compareUUID)
}

// compareUUID holds parseUUID against a library that takes more forms than one.
func compareUUID(t *testing.T, text string) {
	got, ok := parseUUID(text)
	want, err := uuid.Parse(text)
	if wanted := err == nil && want.String() == text; ok != wanted || ok && got != want {
		t.Fatalf("parseUUID(%q) = %x, %v; want %x, %v", text, got, ok, want[:], wanted)
	}
}

func BenchmarkEventID(b *testing.B) {
	long := "ajs-next-1795290372233-" + someUUID
	h := MessageHash("shop", []byte(long))
	for _, c := range []struct {
		name, id string
		hash     []byte
	}{{"uuid", someUUID, nil}, {"hash given", long, h[:]}, {"no hash", long, nil}} {
		b.Run(c.name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				EventID("shop", c.id, c.hash, [16]byte{})
			}
		})
	}
}
