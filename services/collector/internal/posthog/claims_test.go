package posthog

import (
	"bytes"
	"encoding/base64"
	"net/http"
	"net/url"
	"strings"
	"testing"
)

func request(path, query string) *http.Request {
	return &http.Request{Method: http.MethodPost, URL: &url.URL{Path: path, RawQuery: query}, Header: http.Header{}}
}

func TestClaims(t *testing.T) {
	ours := `{"event":"e","properties":{"$lib":"web"}}`
	packed := base64.StdEncoding.EncodeToString([]byte(ours))
	for _, c := range []struct {
		body, query     string
		isBatch, isOurs bool
	}{
		{`{"api_key":"k","batch":[]}`, "", true, true},
		{`{"batch":[{"event":"e"}],"sent_at":""}`, "", true, false},
		{`{"events":[{"batch":[]}],"api_key":"k"}`, "", false, true},
		{`{"options":{"batch":[]},"events":[]}`, "", false, false},
		{`[` + ours + `]`, "", true, true},
		{`[{"event":"e"}]`, "", false, false},
		{`data=` + packed, "", true, true},
		{`ip=1&data=` + url.QueryEscape(packed), "", true, true},
		{``, "data=" + url.QueryEscape(packed), true, true},
		{`data=` + base64.StdEncoding.EncodeToString([]byte("\x1f\x8b\x08rest")), "", true, true},
		{`data=` + base64.StdEncoding.EncodeToString([]byte(`{"event":"e","properties":{"$lib_version":"2","mp_lib":"web","token":"phc_x"}}`)), "", false, false},
		{`{"$token":"phc_x","$set":{}}`, "", true, true},
		{`{"$token":"x","$set":{}}`, "", false, false},
		{`{"a":`, "", false, false}, {`{`, "", false, false}, {`{"a"`, "", false, false}, {`data`, "data", false, false}, {``, "", false, false},
		{`data=` + strings.Repeat("e30=", 5000), "", false, false},
	} {
		r := request("/batch", c.query)
		if got := isBatch(r, []byte(c.body)); got != c.isBatch {
			t.Errorf("%.80s?%.40s: a batch of ours %v", c.body, c.query, got)
		}
		if got := isOurs(r, []byte(c.body)); got != c.isOurs {
			t.Errorf("%.80s?%.40s: ours %v", c.body, c.query, got)
		}
	}
	basic := request("/batch", "")
	basic.Header.Set("Authorization", "Basic d2tfdGVzdDo=")
	if isBatch(basic, []byte(`{"batch":[]}`)) {
		t.Error("a batch with basic authentication is taken")
	}
}

// Whatever is asked about is left as it is, and below the protocol's name all is
// its own.
func FuzzClaims(f *testing.F) {
	for _, body := range []string{`{"batch":[]}`, `[{"event":"e","properties":{"token":"phc_x"}}]`, `data=eyJldmVudCI6ImUifQ%3D%3D`, "\x1f\x8b", `{"a":[{"b":"\u`, `data=%7B`, `=&data`} {
		f.Add([]byte(body), body)
	}
	f.Fuzz(func(t *testing.T, body []byte, query string) {
		before := bytes.Clone(body)
		r := request("/batch", query)
		isBatch(r, body)
		isOurs(r, body)
		if !bytes.Equal(body, before) {
			t.Fatalf("%q became %q", before, body)
		}
		if below := request("/posthog/batch", query); !isBatch(below, body) || !isOurs(below, body) {
			t.Fatalf("%q is nobody's", body)
		}
	})
}

func BenchmarkClaims(b *testing.B) {
	body := []byte(`data=` + base64.StdEncoding.EncodeToString([]byte(`{"event":"e","properties":{"mp_lib":"web","x":"`+strings.Repeat("x", 8000)+`"}}`)))
	r := request("/track", "")
	b.ReportAllocs()
	for b.Loop() {
		if isOurs(r, body) {
			b.Fatal("an event of Mixpanel's is taken")
		}
	}
}

func TestIsUUID(t *testing.T) {
	for id, want := range map[string]bool{
		"01a1ffa4-6892-73a5-9e47-e4242dc67ed0": true, "01A1FFA4-6892-73A5-9E47-E4242DC67ED0": true, "": false, "01a1ffa4": false,
		"01a1ffa4-6892-73a5-9e47-e4242dc67edg": false, "01a1ffa4-6892-73a5-9e47-e4242dc67ed00": false, "01a1ffa4a6892-73a5-9e47-e4242dc67ed0": false,
		"------------------------------------": false,
	} {
		if isUUID([]byte(id)) != want {
			t.Errorf("%q: %v", id, !want)
		}
	}
}
