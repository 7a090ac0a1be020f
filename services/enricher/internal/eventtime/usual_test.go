package eventtime

import (
	"testing"
	"time"
)

const anInstant = "2026-03-10T10:00:01.123Z"

// compareUsual holds the fast reading against the one that knows every form.
func compareUsual(t *testing.T, text string) (taken bool) {
	t.Helper()
	got, taken := usual([]byte(text))
	want, ok := other([]byte(text))
	if taken && (!ok || got != want) {
		t.Fatalf("usual(%q) = %d; want %d, %v", text, got, want, ok)
	}
	return taken
}

func TestUsual(t *testing.T) {
	for i := range len(anInstant) {
		for c := range 256 {
			compareUsual(t, anInstant[:i]+string([]byte{byte(c)})+anInstant[i+1:])
		}
	}
	at := time.Date(0, 1, 1, 0, 0, 0, 0, time.UTC)
	for ; at.Year() < 10_000; at = at.Add(311*time.Hour + 59*time.Minute + 59*time.Second + 7*time.Millisecond) {
		text := at.Format("2006-01-02T15:04:05.000Z")
		if got, ok := usual([]byte(text)); !ok || got != at.UnixMilli() {
			t.Fatalf("usual(%q) = %d, %v; want %d", text, got, ok, at.UnixMilli())
		}
	}
	for _, text := range []string{
		"2026-02-29T10:00:01.123Z", "2026-00-10T10:00:01.123Z", "2026-13-10T10:00:01.123Z", "2026-03-00T10:00:01.123Z", "2026-03-32T10:00:01.123Z",
		"2026-03-10T24:00:01.123Z", "2026-03-10T10:60:01.123Z", "2026-03-10T10:00:60.123Z", "2026-03-10t10:00:01.123z", "2026-03-10 10:00:01.123Z",
		"2026-03-10T10:00:01.12Z", "2026-03-10T10:00:01.1234", "2026-03-10T10:00:01+0100", "123456789012345678901234", "",
	} {
		if compareUsual(t, text) {
			t.Errorf("usual takes %q", text)
		}
	}
}

func FuzzUsual(f *testing.F) {
	f.Add(anInstant)
	f.Add("2024-02-29T23:59:59.999Z")
	f.Fuzz(func(t *testing.T, text string) { compareUsual(t, text) })
}

func BenchmarkParse(b *testing.B) {
	for _, text := range []string{anInstant, "2026-03-10T11:00:01.123+01:00", "1773136801123"} {
		b.Run(text, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if _, ok := Parse([]byte(text)); !ok {
					b.Fatal(text)
				}
			}
		})
	}
}
