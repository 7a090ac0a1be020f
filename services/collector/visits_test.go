package collector_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"testing"

	"go.uber.org/zap"
	"go.uber.org/zap/zaptest"

	"touchline.dev/schemas/event"
	"touchline.dev/services/internal/kafkatest"
)

// visitProjects has sites of the three protocols whose write key stands in each
// event.
const visitProjects = `
projects:
  - id: shop
    write_keys: [{key: "1", protocols: [matomo]}, {key: shop.example, protocols: [plausible], source: shop}, {key: w-1, protocols: [umami]}, {key: wk_test, protocols: [segment]}]
  - id: blog
    write_keys: [{key: "2", protocols: [matomo]}, {key: blog.example, protocols: [plausible], source: blog}, {key: w-2, protocols: [umami]}]
`

func startVisits(t testing.TB) *service {
	return startWithProjects(t, visitProjects, kafkatest.Start(t), zaptest.NewLogger(t, zaptest.Level(zap.WarnLevel)), nil)
}

// described is what tests compare of a record.
func described(records []raw) (all []string) {
	for _, r := range records {
		line := fmt.Sprintf("%s %s %s %s", r.Project, r.Protocol, r.Endpoint, r.Event)
		if r.RejectReason != "" {
			line += " " + string(r.RejectReason)
		}
		all = append(all, line)
	}
	slices.Sort(all)
	return all
}

func wantRecords(t *testing.T, s *service, want ...string) []raw {
	t.Helper()
	records := s.records(t)
	if got := described(records); !slices.Equal(got, want) {
		t.Errorf("records\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
	return records
}

func TestMatomoAnswers(t *testing.T) {
	s := startVisits(t)
	gif := s.request(t, "GET /matomo.php?idsite=1&_id=a HTTP/1.1", "")
	if gif.StatusCode != 200 || gif.Header.Get("Content-Type") != "image/gif" || len(gif.Text) != 43 {
		t.Errorf("image tag: %d %s, %d bytes", gif.StatusCode, gif.Header.Get("Content-Type"), len(gif.Text))
	}
	s.request(t, "GET /piwik.php?idsite=1&_id=b&send_image=0 HTTP/1.1", "").want(t, 204, "")
	s.request(t, "POST /matomo/matomo.php?idsite=2&_id=c HTTP/1.1\nContent-Type: application/x-www-form-urlencoded", "").want(t, 204, "")
	s.request(t, "POST /matomo.php?_id=d HTTP/1.1", "idsite=1&_id=e").want(t, 204, "")
	s.request(t, "POST /matomo.php HTTP/1.1", "idsite=1&uid=ada%40shop.example").want(t, 204, "")
	unknown := s.request(t, "GET /matomo.php?idsite=3 HTTP/1.1", "")
	if unknown.StatusCode != 401 {
		t.Errorf("site that nobody has: %d", unknown.StatusCode)
	}
	if nothing := s.request(t, "POST /matomo.php HTTP/1.1", ""); nothing.StatusCode != 401 {
		t.Errorf("no site: %d", nothing.StatusCode)
	}
	keys := map[string]bool{}
	for _, r := range wantRecords(t, s,
		"blog matomo hit idsite=2&_id=c",
		"shop matomo hit _id=d&idsite=1&_id=e",
		"shop matomo hit idsite=1&_id=a",
		"shop matomo hit idsite=1&_id=b&send_image=0",
		"shop matomo hit idsite=1&uid=ada%40shop.example",
	) {
		keys[r.Key] = true
	}
	for _, key := range []string{"shop/d/a", "shop/d/b", "blog/d/c", "shop/d/d", "shop/u/ada@shop.example"} {
		if !keys[key] {
			t.Errorf("no record with the key %s: %v", key, keys)
		}
	}
}

func TestMatomoBulk(t *testing.T) {
	s := startVisits(t)
	const form = "\nContent-Type: application/x-www-form-urlencoded; charset=utf-8"
	s.request(t, "POST /matomo.php HTTP/1.1"+form,
		`{"token_auth":"secret","requests":["?idsite=1&_id=a","idsite=2&_id=b\u0026c=%3F","http://x/matomo.php?idsite=1&_id=c",{"idsite":1},"idsite=9",null],"send_image":0}`,
	).want(t, 200, `{"status":"success","tracked":3,"invalid":3,"invalid_indices":[3,4,5]}`)
	wantRecords(t, s,
		"blog matomo bulk idsite=2&_id=b&c=%3F",
		"shop matomo bulk idsite=1&_id=a",
		"shop matomo bulk idsite=1&_id=c",
		`shop matomo bulk {"idsite":1} wrong_type`,
	)
}

func TestMatomoBulkBroken(t *testing.T) {
	s := startVisits(t)
	for _, c := range []struct {
		body   string
		status int
		text   string
	}{
		{`{"requests":["idsite=1&_id=a",`, 200, `{"status":"success","tracked":1,"invalid":1,"invalid_indices":[1]}`},
		{`{"requests":["idsite=1&_id=b"]} x`, 200, `{"status":"success","tracked":1,"invalid":1,"invalid_indices":[1]}`},
		{`{"requests":["idsite=1"],"requests":"idsite=1"}`, 401, ""},
		{`{"requests":[]}`, 401, ""}, {`["idsite=1"]`, 401, ""}, {`{`, 401, ""}, {`{"a":1}`, 401, ""},
	} {
		got := s.request(t, "POST /matomo.php HTTP/1.1", c.body)
		if got.StatusCode != c.status || c.text != "" && got.Text != c.text {
			t.Errorf("%s: %d %s", c.body, got.StatusCode, got.Text)
		}
	}
	wantRecords(t, s,
		"shop matomo bulk  malformed_json", // what follows the last comma
		"shop matomo bulk idsite=1&_id=a",
		"shop matomo bulk idsite=1&_id=b",
		"shop matomo bulk x malformed_json",
	)
}

// A hit that is sent again has the same message id, one that only looks like it
// has another, and hits that name no visitor have none.
func TestMatomoMessageID(t *testing.T) {
	s := startVisits(t)
	const hit = "idsite=1&_id=a&pv_id=x&r=123456&h=1&m=2&s=3"
	s.request(t, "GET /matomo.php?"+hit+" HTTP/1.1", "").want(t, 200, s.request(t, "GET /matomo.php?"+hit+" HTTP/1.1", "").Text)
	again := s.request(t, "POST /piwik.php HTTP/1.1", hit+"&send_image=0")
	if got := again.Header.Get("Touchline-Verdict"); got != "accepted=1, duplicate=1" {
		t.Errorf("sent again: %s", got)
	}
	for _, query := range []string{
		hit + "4", strings.Replace(hit, "r=123456", "r=123457", 1), strings.Replace(hit, "_id=a", "_id=b", 1),
		strings.Replace(hit, "pv_id=x", "pv_id=y", 1), strings.Replace(hit, "idsite=1", "idsite=2", 1), hit + "&uid=u",
	} {
		if got := s.request(t, "POST /matomo.php HTTP/1.1", query).Header.Get("Touchline-Verdict"); got != "accepted=1" {
			t.Errorf("%s: %s", query, got)
		}
	}
	for range 2 {
		if got := s.request(t, "POST /matomo.php HTTP/1.1", "idsite=1&_id=&r=123456&h=1&m=2&s=3").Header.Get("Touchline-Verdict"); got != "accepted=1" {
			t.Errorf("a stranger: %s", got)
		}
	}
}

func TestPlausibleAnswers(t *testing.T) {
	s := startVisits(t)
	const head = "POST /api/event HTTP/1.1\nContent-Type: text/plain\nOrigin: https://shop.example"
	for _, body := range []string{`{"n":"pageview","d":"shop.example"}`, `{"name":"x","domain":"blog.example"}`, `{"n":"all","d":"shop.example, blog.example"}`} {
		got := s.request(t, head, body)
		got.want(t, 202, "ok")
		if got.Header.Get("Access-Control-Allow-Origin") != "https://shop.example" || got.Header.Get("X-Plausible-Dropped") != "" {
			t.Errorf("headers %v", got.Header)
		}
	}
	bad := s.request(t, head, `{"n":"deep","d":"shop.example","p":`+strings.Repeat("[", 200)+strings.Repeat("]", 200)+`}`)
	if bad.want(t, 202, "ok"); bad.Header.Get("X-Plausible-Dropped") != "1" {
		t.Errorf("dropped: %q", bad.Header.Get("X-Plausible-Dropped"))
	}
	half := s.request(t, head, `{"n":"half","d":"shop.example,other.example"}`)
	if half.want(t, 202, "ok"); half.Header.Get("Touchline-Verdict") != "accepted=1, rejected=1" {
		t.Errorf("verdict %q", half.Header.Get("Touchline-Verdict"))
	}
	many := s.request(t, head, `{"n":"many","d":"shop.example`+strings.Repeat(",shop.example", 8)+`"}`)
	if many.want(t, 202, "ok"); many.Header.Get("Touchline-Verdict") != "accepted=0, rejected=1" && many.Header.Get("Touchline-Verdict") != "rejected=1" {
		t.Errorf("verdict %q", many.Header.Get("Touchline-Verdict"))
	}
	for _, body := range []string{`{"n":"x","d":"other.example"}`, `{"n":"x"}`, `{`, ``, `[]`, `[{"n":"x","d":"shop.example"}]`} {
		if got := s.request(t, head, body); got.StatusCode != 401 {
			t.Errorf("%s: %d %s", body, got.StatusCode, got.Text)
		}
	}
	records := s.records(t)
	byEvent := map[string][]string{}
	for _, r := range records {
		var e struct{ N, Name string }
		if err := json.Unmarshal(r.Event, &e); err != nil {
			t.Fatal(err)
		}
		byEvent[e.N+e.Name] = append(byEvent[e.N+e.Name], r.Project+"/"+r.Source+string(r.RejectReason))
		if r.MID != "" || !strings.Contains(r.Key, "/r/") {
			t.Errorf("an event without ids has message id %x, key %q", r.MID, r.Key)
		}
	}
	for name, want := range map[string]string{
		"pageview": "shop/shop", "x": "blog/blog", "all": "blog/blog shop/shop", "half": "shop/shop",
		"deep": "shop/shop" + string(event.TooDeep), "many": "shop/shop" + string(event.FieldTooLong),
	} {
		slices.Sort(byEvent[name])
		if got := strings.Join(byEvent[name], " "); got != want {
			t.Errorf("%s: %s, want %s", name, got, want)
		}
	}
}

func TestUmamiAnswers(t *testing.T) {
	s := startVisits(t)
	type verdict struct{ Cache, SessionID, VisitID string }
	send := func(cache, body string) (v verdict) {
		t.Helper()
		a := s.request(t, "POST /api/send HTTP/1.1\nContent-Type: application/json\nx-umami-cache: "+cache, body)
		if err := json.Unmarshal([]byte(a.Text), &v); err != nil || a.StatusCode != 200 || len(v.SessionID) != 36 || len(v.VisitID) != 36 || v.SessionID == v.VisitID {
			t.Fatalf("%d %s: %v", a.StatusCode, a.Text, err)
		}
		return v
	}
	first := send("", `{"type":"event","payload":{"website":"w-1","url":"/"}}`)
	second := send(first.Cache, `{"type":"event","payload":{"website":"w-1","name":"Buy","id":"user-42"}}`)
	if third := send(first.Cache, `{"type":"identify","payload":{"website":"w-2","id":"user-42"}}`); third != second || second.Cache != first.Cache {
		t.Errorf("another session with the same token: %v, %v, %v", first, second, third)
	}
	for _, cache := range []string{`"}<script>`, strings.Repeat("a", 2000), "é"} {
		if v := send(cache, `{"type":"event","payload":{"website":"w-1"}}`); v.Cache == cache {
			t.Errorf("given back: %.40q", cache)
		}
	}
	s.request(t, "POST /api/batch HTTP/1.1\nx-umami-cache: t", `[{"type":"event","payload":{"website":"w-1","name":"a"}},1,{"type":"event","payload":{"website":"w-9"}},{"type":"event","payload":{"website":"w-2","name":"b"}}]`).
		want(t, 200, `{"size":4,"processed":2,"errors":2,"cache":"t"}`)
	for _, body := range []string{`{"type":"event","payload":{}}`, `{"type":"event"}`, `{"type":"event","payload":"w-1"}`, `{`, ``} {
		got := s.request(t, "POST /api/send HTTP/1.1", body)
		if got.StatusCode != 401 || !strings.HasPrefix(got.Text, `{"error":"`) {
			t.Errorf("%s: %d %s", body, got.StatusCode, got.Text)
		}
	}
	users := 0
	for _, r := range s.records(t) {
		if strings.HasSuffix(r.Key, "/u/user-42") {
			users++
		}
	}
	if users != 2 || len(s.records(t)) != 8 {
		t.Errorf("%d records, %d of the user", len(s.records(t)), users)
	}
}

// A site of one protocol is nobody's in the others.
func TestSitesBelongToTheirProtocol(t *testing.T) {
	s := startVisits(t)
	for _, c := range []struct{ target, body string }{
		{"/matomo.php?idsite=shop.example", ""}, {"/matomo.php?idsite=w-1", ""},
		{"/api/event", `{"n":"x","d":"1"}`}, {"/api/event", `{"n":"x","d":"w-1"}`},
		{"/api/send", `{"type":"event","payload":{"website":"1"}}`}, {"/api/send", `{"type":"event","payload":{"website":"shop.example"}}`},
	} {
		if got := s.request(t, "POST "+c.target+" HTTP/1.1", c.body); got.StatusCode != 401 {
			t.Errorf("%s %s: %d", c.target, c.body, got.StatusCode)
		}
	}
	wantRecords(t, s)
}

// FuzzVisits posts anything to the paths of the three protocols: never an error of
// ours, and the topic grows by what the answer speaks of.
func FuzzVisits(f *testing.F) {
	paths := []string{"/matomo.php", "/api/event", "/api/send", "/api/batch"}
	for i, sdk := range []string{"matomo", "plausible", "umami-script"} {
		if n := recordedSeeds(f, sdk, func(r recorded, query string) { f.Add(byte(i), query, []byte(r.text())) }, "*-POST_*.json"); n == 0 {
			f.Fatalf("no recordings of %s", sdk)
		}
	}
	f.Add(byte(0), "", []byte(`{"requests":["?idsite=1","?idsite=\ud800&r=1&_id=%ff",{}]}`))
	f.Add(byte(0), "idsite=1&idsite=2&_id=%", []byte("=&&=%zz\xff"))
	f.Add(byte(1), "", []byte(`{"d":",,shop.example,","d":"shop.example"}`))
	f.Add(byte(3), "", []byte(`[{"payload":{"website":"w-1"}},{"payload":{"web\u0073ite":"w-2"}},`))
	s := startWithProjects(f, visitProjects+"  - {id: all, write_keys: [{key: 11111111-2222-4333-8444-555555555555, protocols: [umami]}, {key: shop.test, protocols: [plausible]}]}\n",
		kafkatest.Start(f), zap.NewNop(), nil)
	f.Fuzz(func(t *testing.T, which byte, query string, body []byte) {
		req, err := http.NewRequest("POST", "http://"+s.Addr()+paths[int(which)%len(paths)], bytes.NewReader(body))
		if err != nil {
			t.Fatal(err)
		}
		for _, c := range []byte(query) {
			if c <= ' ' || c > '~' || c == '#' {
				return // no request line
			}
		}
		req.URL.RawQuery = query
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
		if res.StatusCode >= 500 {
			t.Fatalf("%d %s", res.StatusCode, text)
		}
		if length := res.Header.Get("Content-Length"); length != "" && length != strconv.Itoa(len(text)) {
			t.Fatalf("length %s of %d bytes", length, len(text))
		}
		if strings.HasPrefix(res.Header.Get("Content-Type"), "application/json") && !json.Valid(text) {
			t.Fatalf("answer %q", text)
		}
		counts := verdictOf(t, res.Header)
		if res.StatusCode < 300 && counts["accepted"]+counts["rejected"] == 0 {
			t.Fatalf("a success about nothing: %v", counts)
		}
	})
}
