package unwrap_test

import (
	"bytes"
	"math/rand/v2"
	"testing"
	"unicode/utf16"
	"unicode/utf8"

	"touchline.dev/services/collector/internal/unwrap"
)

// cesu8 writes text unit by unit of UTF-16, as a browser does that takes a
// string's units for characters.
func cesu8(text string) []byte {
	var b []byte
	for _, unit := range utf16.Encode([]rune(text)) {
		switch {
		case unit < 0x80:
			b = append(b, byte(unit))
		case unit < 0x800:
			b = append(b, 0xC0|byte(unit>>6), 0x80|byte(unit&0x3F))
		default:
			b = append(b, 0xE0|byte(unit>>12), 0x80|byte(unit>>6&0x3F), 0x80|byte(unit&0x3F))
		}
	}
	return b
}

func TestCESU8(t *testing.T) {
	for _, text := range []string{"", "plain", "Émoji 🎉", "🎉", "🎉🎉", "a🎉b😀c", "퟿🎉퀀", "\U0010FFFF\U00010000"} {
		if got := unwrap.CESU8(cesu8(text)); string(got) != text {
			t.Errorf("CESU8(%x) = %x, want %x", cesu8(text), got, text)
		}
		if got := unwrap.CESU8([]byte(text)); string(got) != text {
			t.Errorf("CESU8(%q) = %q", text, got)
		}
	}
	for _, c := range []struct{ in, want string }{
		{"\xED\xA0\xBC", "\xED\xA0\xBC"},                           // half a pair
		{"\xED\xBE\x89", "\xED\xBE\x89"},                           // the other half
		{"\xED\xBE\x89\xED\xA0\xBC", "\xED\xBE\x89\xED\xA0\xBC"},   // the wrong way round
		{"\xED\xA0\xBC\xED\xA0\xBC\xED\xBE\x89", "\xED\xA0\xBC🎉"},  // a half, then a pair
		{"\xED\xA0\xBC\xED\xBE", "\xED\xA0\xBC\xED\xBE"},           // cut off
		{"\xED\xA0\xBCx\xED\xBE\x89", "\xED\xA0\xBCx\xED\xBE\x89"}, // apart
		{"\xED\xA0\x3C\xED\xBE\x89", "\xED\xA0\x3C\xED\xBE\x89"},   // no continuation
		{"\xED", "\xED"}, {"\xED\x9F\xBF", "\xED\x9F\xBF"}, {"\xFF\xED\xA0\xBC\xED\xBE\x89\xFF", "\xFF🎉\xFF"},
	} {
		if got := unwrap.CESU8([]byte(c.in)); string(got) != c.want {
			t.Errorf("CESU8(%x) = %x, want %x", c.in, got, c.want)
		}
	}
}

func TestCESU8Random(t *testing.T) {
	seed := rand.Uint64()
	t.Log("seed", seed)
	random := rand.New(rand.NewPCG(seed, 0))
	for range 20_000 {
		runes := make([]rune, random.IntN(20))
		for i := range runes {
			r := rune(random.IntN(utf8.MaxRune + 1))
			if random.IntN(2) == 0 {
				r = 0xD000 + rune(random.IntN(0x800)) // begins with the byte of a surrogate
			}
			if utf16.IsSurrogate(r) {
				r = 'x'
			}
			runes[i] = r
		}
		if text := string(runes); string(unwrap.CESU8(cesu8(text))) != text {
			t.Fatalf("%x: got %x", cesu8(text), unwrap.CESU8(cesu8(text)))
		}
	}
}

func FuzzCESU8(f *testing.F) {
	f.Add([]byte("Émoji 🎉"))
	f.Add(cesu8("Émoji 🎉"))
	f.Add([]byte("\xED\xA0\xBC\xED\xA0\xBC\xED\xBE\x89\xED"))
	f.Fuzz(func(t *testing.T, in []byte) {
		got := unwrap.CESU8(bytes.Clone(in))
		if utf8.Valid(in) && !bytes.Equal(got, in) {
			t.Fatalf("valid text changed: %q to %q", in, got)
		}
		if len(got) > len(in) {
			t.Fatalf("%d bytes from %d", len(got), len(in))
		}
		if again := unwrap.CESU8(bytes.Clone(got)); !bytes.Equal(again, got) {
			t.Fatalf("repaired twice: %q, then %q", got, again)
		}
	})
}

func BenchmarkCESU8(b *testing.B) {
	plain := bytes.Repeat([]byte(`{"event":"Émoji","properties":{"plan":"pro"}},`), 100)
	for name, text := range map[string][]byte{"Plain": plain, "OneCharacter": append(cesu8("🎉"), plain...)} {
		b.Run(name, func(b *testing.B) {
			b.SetBytes(int64(len(text)))
			b.ReportAllocs()
			buffer := make([]byte, len(text))
			for b.Loop() {
				copy(buffer, text)
				unwrap.CESU8(buffer)
			}
		})
	}
}
