package enrichment_test

import (
	"bytes"
	"compress/gzip"
	"encoding/base64"
	"encoding/json"
	"io"
	"os"
	"strings"
	"testing"

	"touchline.dev/schemas/event"
)

// recorded is a request as a file of a recording holds it.
type recorded struct {
	Method, Target, Body string
	BodyEncoding         string `json:"body_encoding"`
	Headers              [][2]string
}

func (r *recorded) header(name string) string {
	for _, h := range r.Headers {
		if strings.EqualFold(h[0], name) {
			return h[1]
		}
	}
	return ""
}

type manifest struct {
	Scenarios []struct {
		Name     string
		Files    map[string]string
		Expected []map[string]json.RawMessage `json:"expected_events"`
	}
}

// expected is an expected event; its other members are compared by name.
type expected map[string]json.RawMessage

func (x expected) text(t *testing.T, field string) string {
	var s string
	if raw, ok := x[field]; ok {
		if err := json.Unmarshal(raw, &s); err != nil {
			t.Fatalf("%s: %v", field, err)
		}
	}
	return s
}

func readJSON(t testing.TB, path string, into any) {
	t.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(data, into); err != nil {
		t.Fatalf("%s: %v", path, err)
	}
}

// split turns a request into what the collector writes, with the means of
// encoding/json.
func (r *recorded) split(t testing.TB) []event.Raw {
	body := []byte(r.Body)
	if r.BodyEncoding == "base64" {
		var err error
		if body, err = base64.StdEncoding.DecodeString(r.Body); err != nil {
			t.Fatal(err)
		}
	}
	if r.header("content-encoding") == "gzip" {
		z, err := gzip.NewReader(bytes.NewReader(body))
		if err != nil {
			t.Fatal(err)
		}
		if body, err = io.ReadAll(z); err != nil {
			t.Fatal(err)
		}
	}
	endpoints := map[string]string{
		"t": "track", "i": "identify", "p": "page", "s": "screen", "g": "group", "a": "alias", "b": "batch",
	}
	endpoint := strings.TrimPrefix(r.Target, "/v1/")
	if long, ok := endpoints[endpoint]; ok {
		endpoint = long
	}
	raw := event.Raw{Project: "shop", Protocol: "segment", Endpoint: endpoint, UserAgent: r.header("user-agent"), ClientIP: "198.51.100.9"}
	for _, name := range []string{"accept-language", "sec-ch-ua", "sec-ch-ua-mobile", "sec-ch-ua-platform"} {
		if value := r.header(name); value != "" {
			raw.Headers = append(raw.Headers, event.Header{Name: name, Value: value})
		}
	}
	if endpoint != "batch" && endpoint != "import" {
		raw.Event = body
		return []event.Raw{raw}
	}
	var request struct {
		Batch   []json.RawMessage
		SentAt  string
		Context json.RawMessage
	}
	if err := json.Unmarshal(body, &request); err != nil {
		t.Fatal(err)
	}
	var all []event.Raw
	for i, text := range request.Batch {
		one := raw
		one.Index, one.Event, one.SentAt, one.Context = uint32(i), text, request.SentAt, request.Context
		all = append(all, one)
	}
	return all
}
