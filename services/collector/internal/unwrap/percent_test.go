package unwrap_test

import (
	"bytes"
	"encoding/base64"
	"net/url"
	"strings"
	"testing"

	"touchline.dev/services/collector/internal/unwrap"
)

// percentSlowly is Percent byte by byte.
func percentSlowly(src []byte) (dst []byte) {
	digit := func(c byte) int { return strings.IndexByte("0123456789abcdef", c|0x20) }
	for i := 0; i < len(src); i++ {
		c := src[i]
		switch {
		case c == '+':
			c = ' '
		case c == '%' && i+2 < len(src) && src[i+1] > ' ' && src[i+2] > ' ' && digit(src[i+1]) >= 0 && digit(src[i+2]) >= 0:
			c = byte(digit(src[i+1])<<4 | digit(src[i+2]))
			i += 2
		}
		dst = append(dst, c)
	}
	return dst
}

func FuzzPercent(f *testing.F) {
	for _, text := range []string{"", "%", "+", "%4", "%41", "%4+1", "%+41", "a%zz+%%41%", "%2B+%2b", "100%", "%\x1041"} {
		f.Add([]byte(text))
	}
	f.Fuzz(func(t *testing.T, src []byte) {
		want := percentSlowly(src)
		if got := unwrap.Percent(nil, src); !bytes.Equal(got, want) {
			t.Fatalf("%q: %q, want %q", src, got, want)
		}
		if got := unwrap.Percent([]byte("x"), string(src)); string(got) != "x"+string(want) {
			t.Fatalf("%q as a string: %q", src, got)
		}
		if in := bytes.Clone(src); !bytes.Equal(unwrap.Percent(in[:0], in), want) {
			t.Fatalf("%q in place: %q, want %q", src, in, want)
		}
	})
}

// A form of fifty events, as Mixpanel's browser SDK posts it.
func BenchmarkForm(b *testing.B) {
	text := strings.Repeat(`{"event":"Order Completed","properties":{"$os":"Linux","$referrer":"https://www.google.com/","order_id":"o-1?"}},`, 500)
	form := []byte(url.QueryEscape(base64.StdEncoding.EncodeToString([]byte(text))))
	b.Run("Percent", func(b *testing.B) {
		b.SetBytes(int64(len(form)))
		b.ReportAllocs()
		for buffer := make([]byte, 0, len(form)); b.Loop(); {
			unwrap.Percent(buffer, form)
		}
	})
	b.Run("Base64", func(b *testing.B) {
		packed := unwrap.Percent(nil, form)
		b.SetBytes(int64(len(packed)))
		b.ReportAllocs()
		src := make([]byte, len(packed))
		for buffer := make([]byte, 0, len(packed)); b.Loop(); {
			copy(src, packed)
			if _, err := unwrap.Base64(buffer, src); err != nil {
				b.Fatal(err)
			}
		}
	})
}
