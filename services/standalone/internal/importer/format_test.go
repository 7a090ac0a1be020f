package importer

import (
	"encoding/json"
	"reflect"
	"testing"

	"touchline.dev/services/internal/jsonscan"
)

func TestDetect(t *testing.T) {
	for line, want := range map[string]Format{
		`{"type":"track","event":"x","messageId":"m"}`:                                           Segment,
		`{"type":"page","anonymousId":"a","context":{}}`:                                         Segment,
		`{"type":"order","messageId":"m"}`:                                                       "",
		`{"event":"x","properties":{"time":1556704800,"distinct_id":"u"}}`:                       Mixpanel,
		`{"event":"x","distinct_id":"u","timestamp":"2020-01-01","properties":{"time":5}}`:       PostHog,
		`{"uuid":"u","event":"x","timestamp":"2020-01-01 00:00:00","properties":"{}"}`:           PostHog,
		`{"event":"x","timestamp":"2020-01-01","properties":{"distinct_id":"u"}}`:                PostHog,
		`{"event_type":"x","event_time":"2020-01-01 00:00:00","user_id":null,"amplitude_id":12}`: Amplitude,
		`{"event_type":"x"}`: "", `{}`: "", `{"event":"x"}`: "",
	} {
		if got := detect([]byte(line)); got != want {
			t.Errorf("%s is %q, want %q", line, got, want)
		}
	}
}

func TestEncode(t *testing.T) {
	for _, c := range []struct {
		encode     func(dst, line []byte) []byte
		line, want string
	}{
		{posthog, `{}`, `{}`},
		{posthog, `{"id":"0190","event":"x","properties":{"a":1}}`, `{"id":"0190","event":"x","properties":{"a":1},"uuid":"0190"}`},
		{posthog, `{"id":1,"properties":"no object"}`, `{"id":1,"properties":"no object"}`},
		{posthog, `{"properties":"{\"a\":\"\\u00e9\"}"}`, `{"properties":{"a":"é"}}`},
		{amplitude, `{}`, `{}`},
		{amplitude, `{"$insert_id":"a","insert_id":"b","time":1,"event_time":"2020"}`, `{"insert_id":"b","time":1,"event_time":"2020"}`},
		{amplitude, `{"$insert_id":"a","event_time":"2020"}`, `{"insert_id":"a","time":"2020","event_time":"2020"}`},
	} {
		var got, want any
		if err := json.Unmarshal(c.encode(nil, []byte(c.line)), &got); err != nil {
			t.Fatalf("%s: %v", c.line, err)
		}
		if err := json.Unmarshal([]byte(c.want), &want); err != nil {
			t.Fatal(err)
		}
		if !reflect.DeepEqual(got, want) {
			t.Errorf("%s: %v, want %v", c.line, got, want)
		}
	}
}

// FuzzEncode makes events of any object: what comes out is one, too.
func FuzzEncode(f *testing.F) {
	f.Add([]byte(`{"id":"0190","event":"x","properties":"{\"a\":\"\\ud800\"}"}`))
	f.Add([]byte(`{"$insert_id":"a","event_time":"2020","event_type":"x","a\"b":[{}]}`))
	f.Add([]byte(`{"type":"track","properties":{"time":{}}, "properties":[]}`))
	f.Fuzz(func(t *testing.T, text []byte) {
		if jsonscan.KindOf(text) != jsonscan.Object || jsonscan.Valid(text) != nil {
			return
		}
		detect(text)
		for _, format := range formats() {
			out := format.encode([]byte("before"), text)
			if out = out[len("before"):]; jsonscan.KindOf(out) != jsonscan.Object || jsonscan.Valid(out) != nil {
				t.Fatalf("%s makes %q of %q", format.name, out, text)
			}
		}
	})
}
