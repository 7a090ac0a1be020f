package body

import (
	"bytes"
	"compress/flate"
	"compress/gzip"
	"compress/zlib"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/andybalholm/brotli"
	"github.com/klauspost/compress/zstd"

	"touchline.dev/services/collector/internal/budget"
)

// packers are the encodings at about their strongest, by the name in the header.
var packers = map[string]func(io.Writer) (io.WriteCloser, error){
	"gzip":    func(w io.Writer) (io.WriteCloser, error) { return gzip.NewWriterLevel(w, gzip.BestCompression) },
	"deflate": func(w io.Writer) (io.WriteCloser, error) { return zlib.NewWriterLevel(w, zlib.BestCompression) },
	"zstd": func(w io.Writer) (io.WriteCloser, error) {
		return zstd.NewWriter(w, zstd.WithEncoderLevel(zstd.SpeedBestCompression), zstd.WithWindowSize(zstdWindow))
	},
	"br": func(w io.Writer) (io.WriteCloser, error) { return brotli.NewWriterLevel(w, 9), nil },
}

func pack(t testing.TB, encoding string, text []byte) []byte {
	t.Helper()
	var b bytes.Buffer
	w, err := packers[encoding](&b)
	if err != nil {
		t.Fatal(err)
	}
	_, err = w.Write(text)
	if err = errors.Join(err, w.Close()); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func request(encoding string, body []byte) *http.Request {
	r := &http.Request{Header: http.Header{}, Body: io.NopCloser(bytes.NewReader(body)), ContentLength: int64(len(body))}
	if encoding != "" {
		r.Header.Set("Content-Encoding", encoding)
	}
	return r
}

// read reads one body with the default limits and checks that what it held is
// given back.
func read(t testing.TB, b *Buffer, encoding string, body []byte) ([]byte, error) {
	t.Helper()
	held := budget.New(128 << 20)
	text, err := b.Read(request(encoding, body), Limits{Wire: 4 << 20, Unpacked: 4 << 20}, held)
	text = bytes.Clone(text)
	b.Free(held)
	if held.Used() != 0 {
		t.Errorf("%d bytes still held", held.Used())
	}
	return text, err
}

// batch is what a browser SDK sends after a long time offline: n events that
// differ in their ids and times.
func batch(n int, seed uint64) []byte {
	random := rand.New(rand.NewPCG(seed, seed))
	at := time.Date(2026, 11, 22, 10, 0, 0, 0, time.UTC)
	var b bytes.Buffer
	b.WriteString(`{"batch":[`)
	for i := range n {
		if i > 0 {
			b.WriteByte(',')
		}
		at = at.Add(time.Duration(random.Int64N(int64(time.Minute))))
		fmt.Fprintf(&b, `{"timestamp":%q,"integrations":{},"type":"track","event":"Product Viewed","properties":{"product_id":"507f1f77bcf86cd799439011","sku":"G-32","category":"Games","name":"Monopoly: 3rd Edition","brand":"Hasbro","variant":"200 pieces","price":18.99,"quantity":1,"currency":"EUR","position":3,"url":"https://www.example.com/product/path","image_url":"https://www.example.com/product/path.jpg"},"context":{"page":{"path":"/product/path","referrer":"https://www.example.com/","search":"","title":"Monopoly: 3rd Edition - Example","url":"https://www.example.com/product/path"},"userAgent":"Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/142.0.0.0 Safari/537.36","userAgentData":{"brands":[{"brand":"Chromium","version":"142"}],"mobile":false,"platform":"Linux"},"locale":"en-US","library":{"name":"analytics.js","version":"npm:next-1.81.1"},"timezone":"Europe/Berlin","campaign":{"source":"newsletter","medium":"email","name":"autumn"}},"messageId":"ajs-next-%d-%08x-%04x-%04x-%04x-%012x","anonymousId":"f4ca124298-4321-4c1c-8c1d-1a2b3c4d5e6f","writeKey":"wk_test","userId":null,"sentAt":%q,"_metadata":{"bundled":["Segment.io"],"unbundled":[],"bundledIds":[]}}`,
			at.Format("2006-01-02T15:04:05.000Z"), at.UnixMilli(), random.Uint32(), random.Uint32()&0xffff, random.Uint32()&0xffff, random.Uint32()&0xffff, random.Uint64()&0xffffffffffff, at.Format("2006-01-02T15:04:05.000Z"))
	}
	b.WriteString(`]}`)
	return b.Bytes()
}

// TestRatio: the most uniform batches that SDKs could send stay far below the
// ratio, whatever they are packed with, and bombs do not.
func TestRatio(t *testing.T) {
	var b Buffer
	text := batch(2800, 1)
	if len(text) < 3<<20 || len(text) > 4<<20 {
		t.Fatalf("a batch of %d bytes", len(text))
	}
	for name := range packers {
		packed := pack(t, name, text)
		ratio := len(text) / len(packed)
		t.Logf("%s: %d bytes in %d, 1:%d", name, len(text), len(packed), ratio)
		if ratio > maxRatio/4 {
			t.Errorf("%s: a batch has a ratio of %d", name, ratio)
		}
		if got, err := read(t, &b, name, packed); err != nil || !bytes.Equal(got, text) {
			t.Errorf("%s: %d bytes, %v", name, len(got), err)
		}
		// Zeros within the limit of bytes are too much for their size.
		for size, want := range map[int]error{freeBytes: nil, freeBytes + 100: nil, 4 << 20: ErrTooLarge, 64 << 20: ErrTooLarge} {
			bomb := pack(t, name, make([]byte, size))
			if size == freeBytes+100 {
				want = nil
				if maxRatio*len(bomb) <= size {
					want = ErrTooLarge
				}
			}
			if got, err := read(t, &b, name, bomb); !errors.Is(err, want) || err == nil && len(got) != size {
				t.Errorf("%s: %d zeros in %d bytes: %d bytes, %v; want %v", name, size, len(bomb), len(got), err, want)
			}
		}
	}
}

func TestBrotli(t *testing.T) {
	var b Buffer
	text := batch(5, 2)
	packed := pack(t, "br", text)
	for range 2 {
		if got, err := read(t, &b, "br", packed); err != nil || !bytes.Equal(got, text) {
			t.Errorf("%d bytes, %v", len(got), err)
		}
	}
	if got, err := read(t, &b, "br", text); err != nil || !bytes.Equal(got, text) {
		t.Errorf("unpacked on its way: %d bytes, %v", len(got), err)
	}
	if got, err := read(t, &b, "", packed); err != nil || !bytes.Equal(got, packed) {
		t.Errorf("not announced: %d bytes, %v", len(got), err)
	}
	for _, bad := range [][]byte{packed[:len(packed)-1], packed[:1], append(bytes.Clone(packed), 0), {0x11}, []byte("no stream")} {
		if _, err := read(t, &b, "br", bad); !errors.Is(err, ErrUnreadable) {
			t.Errorf("%.10q: %v, want unreadable", bad, err)
		}
	}
	if got, err := read(t, &b, "br", nil); err == nil && len(got) > 0 {
		t.Errorf("empty: %d bytes", len(got))
	}
	// Other encodings win over the label, as their bytes are certain.
	if got, err := read(t, &b, "br", pack(t, "gzip", text)); err != nil || !bytes.Equal(got, text) {
		t.Errorf("gzip labelled br: %d bytes, %v", len(got), err)
	}
}

// TestBrotliWindow holds the window that is reserved against the one that
// encoders write.
func TestBrotliWindow(t *testing.T) {
	for bits := 10; bits <= 24; bits++ {
		var out bytes.Buffer
		w := brotli.NewWriterOptions(&out, brotli.WriterOptions{Quality: 9, LGWin: bits})
		if _, err := w.Write(bytes.Repeat([]byte("0123456789abcdef"), 1<<20)); err != nil {
			t.Fatal(err)
		}
		if err := w.Close(); err != nil {
			t.Fatal(err)
		}
		if got := brotliWindow(out.Bytes()); got != 1<<bits {
			t.Errorf("window of %d bits: %d bytes", bits, got)
		}
		if _, err := read(t, new(Buffer), "br", out.Bytes()); !errors.Is(err, ErrTooLarge) || strings.Contains(err.Error(), "window") != (bits > 22) {
			t.Errorf("16 MiB with a window of %d bits: %v", bits, err)
		}
	}
}

// TestBombs: what is refused has taken no more memory than the limits allow.
func TestBombs(t *testing.T) {
	const zeros, limit = 64 << 20, 4 << 20
	for name := range packers {
		bomb := pack(t, name, make([]byte, zeros))
		var b Buffer
		held := budget.New(1 << 30)
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		_, err := b.Read(request(name, bomb), Limits{Wire: limit, Unpacked: limit}, held)
		runtime.ReadMemStats(&after)
		reserved, taken := held.Used(), after.TotalAlloc-before.TotalAlloc
		b.Free(held)
		t.Logf("%s: %d bytes stand for %d (1:%d): %d bytes allocated, %d reserved", name, len(bomb), zeros, zeros/len(bomb), taken, reserved)
		// Buffers grow by being allocated anew: by a quarter in the decoder of
		// zstd, twofold in ours.
		if !errors.Is(err, ErrTooLarge) || int64(taken) > 6*reserved {
			t.Errorf("%s: %v after %d bytes, reserved %d", name, err, taken, reserved)
		}
		if _, err := b.Read(request(name, bomb), Limits{Wire: limit, Unpacked: limit}, budget.New(int64(len(bomb))+64<<10)); !errors.Is(err, ErrNoBudget) {
			t.Errorf("%s without a budget: %v", name, err)
		}
	}
}

// FuzzRead: no body makes Read panic, hold more than the limits, or forget what it
// reserved; and what was packed comes out.
func FuzzRead(f *testing.F) {
	text := batch(2, 3)
	for name := range packers {
		packed := pack(f, name, text)
		f.Add(name, packed)
		f.Add("", packed)
		f.Add(name, packed[:len(packed)/2])
		f.Add(name, pack(f, name, make([]byte, 100_000)))
	}
	var raw bytes.Buffer
	w, err := flate.NewWriter(&raw, 9)
	if err != nil {
		f.Fatal(err)
	}
	_, err = w.Write(text)
	if err = errors.Join(err, w.Close()); err != nil {
		f.Fatal(err)
	}
	f.Add("deflate", raw.Bytes())
	f.Add("br", text)
	f.Add(strings.Repeat("gzip,", 3), text)
	var b Buffer
	f.Fuzz(func(t *testing.T, encoding string, body []byte) {
		held := budget.New(64 << 20)
		limits := Limits{Wire: 64 << 10, Unpacked: 128 << 10}
		text, err := b.Read(request(encoding, body), limits, held)
		if len(text) > limits.Unpacked || err != nil && len(text) > 0 || len(body) > limits.Wire && err == nil {
			t.Errorf("%d bytes of %d, %v", len(text), len(body), err)
		}
		b.Free(held)
		if held.Used() != 0 {
			t.Errorf("%d bytes still held", held.Used())
		}
	})
}

func BenchmarkRead(b *testing.B) {
	text := batch(50, 4)
	for _, name := range []string{"", "gzip", "deflate", "zstd", "br"} {
		packed := text
		if name != "" {
			packed = pack(b, name, text)
		}
		b.Run("encoding="+name, func(b *testing.B) {
			held := budget.New(128 << 20)
			var buffer Buffer
			b.ReportAllocs()
			b.SetBytes(int64(len(text)))
			r := request(name, packed)
			source := bytes.NewReader(packed)
			r.Body = io.NopCloser(source)
			for b.Loop() {
				source.Reset(packed)
				if _, err := buffer.Read(r, Limits{Wire: 4 << 20, Unpacked: 4 << 20}, held); err != nil {
					b.Fatal(err)
				}
				buffer.Free(held)
			}
		})
	}
}
