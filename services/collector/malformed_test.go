package collector_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"touchline.dev/services/collector"
)

// rejected builds the answer to a request with unusable events; each of those is
// "index reason message".
func rejected(accepted int, list ...string) string {
	for i, r := range list {
		parts := strings.SplitN(r, " ", 3)
		list[i] = fmt.Sprintf(`{"index":%s,"reason":"%s","message":"%s"}`, parts[0], parts[1], parts[2])
	}
	return fmt.Sprintf(`{"success":true,"accepted":%d,"rejected":[%s]}`, accepted, strings.Join(list, ","))
}

// TestMalformed is the list of what can be wrong with a body: what is answered,
// and what is in the topic afterwards ("index reason event", reason "ok" for
// usable ones). The neighbours of a bad event are always there.
func TestMalformed(t *testing.T) {
	s := start(t)
	taken := 0
	f := func(path, body, want string, records ...string) {
		t.Helper()
		before := len(s.records(t))
		a := s.post(t, path, body)
		a.want(t, 200, want)
		bad := strings.Count(want, `"index":`)
		verdict := fmt.Sprintf("accepted=%d", len(records)-bad)
		if bad > 0 {
			verdict += fmt.Sprintf(", rejected=%d", bad)
		}
		if have := a.Header.Get("Touchline-Verdict"); have != verdict {
			t.Errorf("%q: verdict %q, want %q", body, have, verdict)
		}
		var have []string
		all := s.records(t)
		for _, r := range all {
			reason := string(r.RejectReason)
			if reason == "" {
				reason = "ok"
			}
			if (reason == "ok") != (r.RejectMessage == "") {
				t.Errorf("%q: reason %s with message %q", body, reason, r.RejectMessage)
			}
			have = append(have, fmt.Sprintf("%d %s %s", r.Index, reason, r.Event))
		}
		for _, want := range records {
			i := slices.Index(have, want)
			if i < 0 {
				t.Errorf("%s %q: no record %q", path, body, want)
				continue
			}
			have = slices.Delete(have, i, i+1)
		}
		if len(all)-before != len(records) {
			t.Errorf("%s %q: %d records, want %d", path, body, len(all)-before, len(records))
		}
		taken += len(records)
	}
	const token = "a string, number or word in it is not JSON"
	const object = "JSON, but not an object"
	g1, g2 := `{"userId":"good1"}`, `{"userId":"good2"}`

	// An element that is no event, between two that are.
	for _, bad := range []struct{ element, reason, message string }{
		{`1`, "not_an_object", object},
		{`null`, "not_an_object", object},
		{`"text"`, "not_an_object", object},
		{`[{"userId":"u"}]`, "not_an_object", object},
		{`{"a":NaN}`, "malformed_json", token},
		{`{"a":-Infinity}`, "malformed_json", token},
		{`{"a":undefined}`, "malformed_json", token},
		{`{"a":01}`, "malformed_json", token},
		{`{"a":"\x"}`, "malformed_json", token},
		{"{\"a\":\"\x00\"}", "malformed_json", token},
		{"{\"a\":\"tab\there\"}", "malformed_json", token},
		{"{\"a\":\"line\nbreak\"}", "malformed_json", token},
		{"{\"a\":\"\xff\"}", "invalid_utf8", "holds bytes that are not UTF-8"},
		{"{\"a\":\"\xed\xa0\xbc\xed\xbe\x89\"}", "invalid_utf8", "holds bytes that are not UTF-8"},
		{"{\"\xc3\x28\":1}", "invalid_utf8", "holds bytes that are not UTF-8"},
		{`{"a":` + strings.Repeat("[", 64) + strings.Repeat("]", 64) + `}`, "too_deep", "nested 65 levels deep, the limit is 64"},
		{`{"a":[` + strings.Repeat(`{"b":1},`, 10_000) + `{}]}`, "too_many_keys", "10001 members in all, the limit is 10000"},
		{`{"a":{"b":"` + strings.Repeat("x", 128<<10+1) + `"}}`, "string_too_long", "a string of 131073 bytes, the limit is 131072"},
		{`{"a":` + strings.Repeat("[", 20_000) + strings.Repeat("]", 20_000) + `}`, "too_deep", "nested 20001 levels deep, the limit is 64"},
	} {
		f("/v1/batch", `{"batch":[`+g1+`,`+bad.element+`,`+g2+`]}`, rejected(2, "1 "+bad.reason+" "+bad.message),
			"0 ok "+g1, "1 "+bad.reason+" "+bad.element, "2 ok "+g2)
	}
	// Everything JSON allows is taken.
	for _, fine := range []string{
		`{}`, `{"userId":null}`, `{"type":5}`, `{"a":"\u0000"}`, `{"a":"\ud800"}`, `{"a":1e400}`, `{"a":9007199254740993}`, `{"a":1,"a":2}`,
		`{"a":` + strings.Repeat("[", 63) + strings.Repeat("]", 63) + `}`, "{\"e\":\"\u2028\U0001F389\"}", "{ \"a\"\t:\r\n1 }",
		`{"a":[` + strings.Repeat(`{"b":1},`, 9_999) + `{}]}`, `{"a":"` + strings.Repeat("x", 128<<10) + `"}`,
	} {
		f("/v1/b", `{"batch":[`+g1+`,`+fine+`]}`, success, "0 ok "+g1, "1 ok "+fine)
		f("/v1/t", fine, success, "0 ok "+fine)
	}
	// The structure is lost: what came before counts, the rest is kept as one.
	f("/v1/batch", `{"batch":[`+g1+`,{"userId":"x"`, rejected(1, `1 malformed_json want a comma or } at byte 42`),
		"0 ok "+g1, `1 malformed_json {"userId":"x"`)
	f("/v1/batch", `{"batch":[`+g1+` `+g2+`]}`, rejected(1, `1 malformed_json want a comma or ] at byte 29`),
		"0 ok "+g1, `1 malformed_json `+g2+`]}`)
	f("/v1/batch", `{"batch":[`+g1+`,{"a":'x'},`+g2+`]}`, rejected(1, `1 malformed_json want a value at byte 34`),
		"0 ok "+g1, `1 malformed_json {"a":'x'},`+g2+`]}`)
	f("/v1/batch", `{"batch":[`+g1+`,]}`, rejected(1, `1 malformed_json want a value at byte 29`), "0 ok "+g1, "1 malformed_json ]}")
	f("/v1/batch", `{"batch":[`+g1+`]`, rejected(1, `1 malformed_json want a comma or } at byte 29`), "0 ok "+g1, "1 malformed_json ")
	f("/v1/batch", `{"batch":[`+g1+`]}{}`, rejected(1, `1 malformed_json something follows the value`), "0 ok "+g1, "1 malformed_json {}")
	f("/v1/batch", `{"batch":[`+g1+`],"sentAt":}`, rejected(1, `1 malformed_json want a value at byte 39`), "0 ok "+g1, `1 malformed_json "sentAt":}`)
	f("/v1/batch", `{"batch":[`+g1+"\x00]}", rejected(1, `1 malformed_json want a comma or ] at byte 28`), "0 ok "+g1, "1 malformed_json \x00]}")
	// Not a batch at all: the whole body is kept.
	for _, whole := range []string{`{"userId":"u"}`, `{}`, `{"batch":null}`, `{"batch":{}}`, `{"batch":"x"}`, `{"Batch":[]}`, `{"batch":[{"userId":"u"}],"batch":1}`} {
		f("/v1/batch", whole, rejected(0, `0 malformed_batch the body has no list of events called \"batch\"`), "0 malformed_batch "+whole)
	}
	for _, whole := range []string{`[{"userId":"u"}]`, `"x"`, `5`, `null`} {
		f("/v1/batch", whole, rejected(0, `0 malformed_batch the body is JSON, but not an object`), "0 malformed_batch "+whole)
		f("/v1/track", whole, rejected(0, `0 malformed_batch the body is JSON, but not an object`), "0 malformed_batch "+whole)
	}
	f("/v1/batch", `{"a":1 "batch":[`+g1+`]}`, rejected(0, `0 malformed_json want a comma or } at byte 7`), `0 malformed_json {"a":1 "batch":[`+g1+`]}`)
	f("/v1/batch", `data=eyJ9`, rejected(0, `0 malformed_json something follows the value`), `0 malformed_json data=eyJ9`)
	f("/v1/track", `{"userId":"u"`, rejected(0, `0 malformed_json want a comma or } at byte 13`), `0 malformed_json {"userId":"u"`)
	f("/v1/track", `{"userId":"u"}x`, rejected(0, `0 malformed_json something follows the value`), `0 malformed_json {"userId":"u"}x`)
	f("/v1/track", "\xef\xbb\xbf{}", rejected(0, `0 malformed_json want a value at byte 0`), "0 malformed_json \xef\xbb\xbf{}")
	f("/v1/track", `{"a":NaN}`, rejected(0, "0 malformed_json "+token), `0 malformed_json {"a":NaN}`)
	// Members that are given twice: the last counts.
	f("/v1/batch", `{"batch":[`+g1+`],"batch":[`+g2+`]}`, success, "0 ok "+g2)
	f("/v1/batch", `{"batch":5,"batch":[`+g2+`]}`, success, "0 ok "+g2)
	// A bad context is bad for every event, a bad sent time for none.
	f("/v1/batch", `{"context":[],"batch":[`+g1+`,`+g2+`]}`,
		rejected(0, "0 wrong_type context of the batch: "+object, "1 wrong_type context of the batch: "+object), "0 wrong_type "+g1, "1 wrong_type "+g2)
	f("/v1/batch", `{"batch":[`+g1+"],\"context\":{\"a\":\"\xff\"}}",
		rejected(0, "0 invalid_utf8 context of the batch: holds bytes that are not UTF-8"), "0 invalid_utf8 "+g1)
	f("/v1/batch", `{"batch":[`+g1+`],"context":{"a":NaN}}`, rejected(0, "0 malformed_json context of the batch: "+token), "0 malformed_json "+g1)
	f("/v1/batch", `{"batch":[`+g1+`],"context":null}`, success, "0 ok "+g1)
	f("/v1/batch", `{"batch":[`+g1+`],"sentAt":{"a":1},"x":NaN}`, success, "0 ok "+g1)
	// Nothing at all.
	f("/v1/batch", `{"batch":[]}`, success)
	for _, empty := range []string{"", " ", "\r\n"} {
		s.post(t, "/v1/batch", empty).want(t, 400, `{"success":false,"reason":"unreadable_body","message":"the body is empty"}`)
	}
	if n := len(s.records(t)); n != taken {
		t.Errorf("%d records, want %d", n, taken)
	}
	if n := s.metric(t, "touchline_collector_events_total"); n != float64(taken) {
		t.Errorf("%v events counted, want %d", n, taken)
	}
	if n := s.metric(t, "touchline_collector_events_total", "outcome=rejected", "reason=not_an_object"); n != 4 {
		t.Errorf("%v events counted as not_an_object, want 4", n)
	}
}

func TestLimits(t *testing.T) {
	s := start(t, func(c *collector.Config) {
		c.HTTP.Limits.MaxEventBytes = 100 << 10
		c.HTTP.Limits.MaxEvents = 10
	})
	long := func(n int) string { // an event of n bytes
		return `{"userId":"u","a":"` + strings.Repeat("x", n-21) + `"}`
	}
	small := func(path, body string) answer {
		return s.request(t, "POST "+path+" HTTP/1.1\nAuthorization: Basic d2tfc21hbGw6", body)
	}
	s.post(t, "/v1/track", long(100<<10)).want(t, 200, success)
	s.post(t, "/v1/batch", `{"batch":[{},`+long(100<<10+1)+`,{}]}`).want(t, 200, rejected(2, "1 event_too_large 102401 bytes long, the limit is 102400"))
	small("/v1/track", long(1024)).want(t, 200, success)
	small("/v1/track", long(1025)).want(t, 200, rejected(0, "0 event_too_large 1025 bytes long, the limit is 1024"))
	s.post(t, "/v1/batch", `{"batch":[`+strings.Repeat(`{},`, 9)+`{}]}`).want(t, 200, success)
	s.post(t, "/v1/batch", `{"batch":[`+strings.Repeat(`{},`, 10)+`{}]}`).want(t, 413,
		`{"success":false,"reason":"too_many_events","message":"more than 10 events in one request"}`)
	small("/v1/batch", `{"batch":[{},{},{},{}]}`).want(t, 413, `{"success":false,"reason":"too_many_events","message":"more than 3 events in one request"}`)
	own := `{"writeKey":"wk_small"}`
	s.request(t, "POST /v1/b HTTP/1.1", `{"batch":[`+own+`,`+own+`,`+own+`,`+own+`]}`).want(t, 413,
		`{"success":false,"reason":"too_many_events","message":"more than 3 events in one request"}`)
	// The whole of a broken body can be too large as well.
	s.post(t, "/v1/batch", `{"batch":[{},`+strings.Repeat("[", 200<<10)).want(t, 200, rejected(1, "1 event_too_large 204800 bytes long, the limit is 102400"))
	// The context of a batch is written beside each event.
	s.post(t, "/v1/batch", `{"context":`+long(64<<10)+`,"batch":[{},{}]}`).want(t, 200, success)
	const grown = "event_too_large the context of the batch is too large for so many events"
	s.post(t, "/v1/batch", `{"context":`+long(64<<10+1)+`,"batch":[{},{}]}`).want(t, 200, rejected(0, "0 "+grown, "1 "+grown))

	count := map[string]int{}
	for _, r := range s.records(t) {
		whole := r.OriginalBytes == 0
		count[fmt.Sprintf("%s %s %v %d %d", r.Project, r.RejectReason, whole, len(r.Event)/1024, len(r.Context)/1024)]++
		if !whole && (len(r.Event) != 64<<10 || r.RejectReason != "event_too_large") {
			t.Errorf("%d bytes kept of %d, reason %q", len(r.Event), r.OriginalBytes, r.RejectReason)
		}
		if len(r.Key) == 0 || r.Project == "shop" && len(r.Event) > 100 && r.Index == 0 && r.Key != "shop/u/u" {
			t.Errorf("key %q", r.Key)
		}
	}
	want := map[string]int{
		"shop  true 100 0": 1, "shop  true 0 0": 2 + 10 + 1, "shop event_too_large false 64 0": 2, "small  true 1 0": 1,
		"small event_too_large true 1 0": 1, "shop  true 0 64": 2, "shop event_too_large true 0 0": 2,
	}
	for k, n := range want {
		if count[k] != n {
			t.Errorf("%d records %q, want %d", count[k], k, n)
		}
		delete(count, k)
	}
	if len(count) != 0 {
		t.Errorf("further records: %v", count)
	}
}

// Many bad events are all counted and kept, and a hundred of them listed.
func TestLongListOfRejections(t *testing.T) {
	s := start(t)
	a := s.post(t, "/v1/batch", `{"batch":[`+strings.Repeat(`1,`, 249)+`{}]}`)
	if a.StatusCode != 200 || strings.Count(a.Text, `"index":`) != 100 || !strings.HasPrefix(a.Text, `{"success":true,"accepted":1,`) {
		t.Errorf("answer %d %s", a.StatusCode, a.Text)
	}
	if v := a.Header.Get("Touchline-Verdict"); v != "accepted=1, rejected=249" {
		t.Errorf("verdict %q", v)
	}
	if n := len(s.records(t)); n != 250 {
		t.Errorf("%d records", n)
	}
}
