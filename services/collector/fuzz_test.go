package collector_test

import (
	"bytes"
	"encoding/json"
	"io"
	"net/http"
	"strconv"
	"strings"
	"testing"
	"unicode/utf8"

	"go.uber.org/zap"

	"touchline.dev/services/internal/kafkatest"
)

// FuzzRequest posts any body to any path of a collector whose broker is healthy.
// It never fails (5xx), every answer is JSON, and the topic grows by exactly the
// events that the answer speaks of; of a valid batch that is all of them.
func FuzzRequest(f *testing.F) {
	paths := []string{"/segment/v1/batch", "/segment/v1/track", "/v1/b", "/v1/i", "/segment/v1/import"}
	seeds := recordedSeeds(f, "*", func(r recorded, _ string) {
		f.Add(uint8(0), uint8(0), []byte(r.text()))
		f.Add(uint8(1), uint8(0), []byte(r.text()))
	}, "*POST*.json")
	if seeds < 200 {
		f.Fatalf("%d recordings", seeds)
	}
	for _, body := range []string{``, `{"batch":[1,{"a":NaN},{}]}`, `{"batch":[{}`, "\x1f\x8b", "\x78\x9c", `[`, `{"batch":[],"batch":[{}],"writeKey":"wk_other"}`} {
		for encoding := range uint8(4) {
			f.Add(uint8(0), encoding, []byte(body))
		}
	}
	s := startOn(f, kafkatest.Start(f), zap.NewNop())
	growth := growth(f, s)
	f.Fuzz(func(t *testing.T, path, encoding uint8, body []byte) {
		req, err := http.NewRequest("POST", "http://"+s.Addr()+paths[int(path)%len(paths)], bytes.NewReader(body))
		if err != nil {
			t.Fatal(err)
		}
		req.SetBasicAuth("wk_test", "")
		if name := []string{"", "gzip", "deflate", "identity"}[encoding%4]; name != "" {
			req.Header.Set("Content-Encoding", name)
		}
		res, err := http.DefaultClient.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		text, err := io.ReadAll(res.Body)
		if err != nil {
			t.Fatal(err)
		}
		if err := res.Body.Close(); err != nil {
			t.Fatal(err)
		}
		var said struct {
			Success  *bool
			Accepted int
			Rejected []struct{ Index int }
		}
		if err := json.Unmarshal(text, &said); err != nil || said.Success == nil {
			t.Fatalf("%d %q: %v", res.StatusCode, text, err)
		}
		grown := growth()
		switch {
		case res.StatusCode >= 500:
			t.Fatalf("%d %s", res.StatusCode, text)
		case res.StatusCode != 200 && (grown != 0 || *said.Success):
			t.Fatalf("%d %s: %d records", res.StatusCode, text, grown)
		case res.StatusCode != 200:
			return
		}
		counts := verdictOf(t, res.Header)
		if grown != counts["accepted"]+counts["rejected"] {
			t.Fatalf("verdict %v, %d records", counts, grown)
		}
		if counts["rejected"] > 0 {
			return
		}
		if encoding%4 == 2 || bytes.HasPrefix(body, []byte{0x1f, 0x8b}) {
			return // packed: what it holds is not known here
		}
		want := int64(1)
		if path%5%2 == 0 {
			var members map[string]json.RawMessage
			var batch []json.RawMessage
			if json.Unmarshal(body, &members) != nil {
				return // a fault outside of the events; they were taken
			}
			if err := json.Unmarshal(members["batch"], &batch); err != nil {
				t.Fatalf("%q was taken without a word: %v", body, err)
			}
			want = int64(len(batch))
		} else if !json.Valid(body) || !utf8.Valid(body) {
			t.Fatalf("%q was taken without a word", body)
		}
		if grown != want {
			t.Fatalf("%q: %d records, want %d", body, grown, want)
		}
	})
}

// verdictOf returns the counts of the header that every answer about events has.
func verdictOf(t testing.TB, h http.Header) map[string]int64 {
	t.Helper()
	counts := map[string]int64{}
	for part := range strings.SplitSeq(h.Get("Touchline-Verdict"), ", ") {
		name, count, ok := strings.Cut(part, "=")
		n, err := strconv.ParseInt(count, 10, 64)
		if !ok || err != nil && name != "reason" {
			t.Fatalf("verdict %q", h.Get("Touchline-Verdict"))
		}
		counts[name] = n
	}
	return counts
}
