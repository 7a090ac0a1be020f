package e2e_test

import (
	"bytes"
	"compress/gzip"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"testing"
)

const badProjects = `projects:
- {id: shop, write_keys: [wk_shop]}
- {id: small, write_keys: [wk_small], limits: {max_events_per_request: 2}}
`

// bad is an event that cannot be used.
type bad struct{ event, reason string }

// badEvents are unusable in ways that leave the structure of a batch intact, so
// that exactly they are refused. The collector sees the first group, the enricher
// the second.
func badEvents() (collector, enricher []bad) {
	who := `"anonymousId":"d","type":"track"`
	return []bad{
			{`42`, "not_an_object"},
			{`null`, "not_an_object"},
			{`"text"`, "not_an_object"},
			{`[{"type":"track"}]`, "not_an_object"},
			{`{` + who + `,"event":NaN}`, "malformed_json"},
			{"{" + who + ",\"event\":\"nul \x00 byte\"}", "malformed_json"},
			{"{" + who + ",\"event\":\"latin-1 \xe9\"}", "invalid_utf8"},
			{"{" + who + ",\"event\":\"cesu-8 \xed\xa0\xbd\xed\xb8\x80\"}", "invalid_utf8"},
			{`{` + who + `,"event":"deep","properties":` + strings.Repeat(`{"a":`, 100) + `1` + strings.Repeat(`}`, 100) + `}`, "too_deep"},
			{`{` + who + `,"event":"deeper","properties":` + strings.Repeat(`[`, 30_000) + strings.Repeat(`]`, 30_000) + `}`, "too_deep"},
		}, []bad{
			{`{}`, "missing_field"},
			{`{"anonymousId":"d"}`, "missing_field"},
			{`{` + who + `}`, "missing_field"},
			{`{` + who + `,"event":"   "}`, "missing_field"},
			{`{` + who + `,"event":{"name":"Hello"}}`, "wrong_type"},
			{`{` + who + `,"event":"e","properties":"text"}`, "wrong_type"},
			{`{` + who + `,"event":"e","userId":["u"]}`, "wrong_type"},
			{`{` + who + `,"event":"e","messageId":{"id":1}}`, "wrong_type"},
			{`{"type":"track","event":"e"}`, "missing_identity"},
			{`{"type":"track","event":"e","userId":"null","anonymousId":""}`, "missing_identity"},
			{`{"type":"purchase","anonymousId":"d"}`, "unknown_type"},
			{`{"type":7,"anonymousId":"d"}`, "wrong_type"},
			{`{"type":"group","anonymousId":"d"}`, "missing_field"},
			{`{"type":"alias","anonymousId":"d"}`, "missing_field"},
			{`{"type":"track","event":"e","anonymousId":"` + strings.Repeat("x", 513) + `"}`, "field_too_long"},
			{`{"type":"track","anonymousId":"d","event":"` + strings.Repeat("x", 257) + `"}`, "field_too_long"},
		}
}

// rejection is a row of analytics.rejected; the payload in hex, because it may be
// no text.
type rejection struct {
	Reason   string `json:"reason"`
	Payload  string `json:"bytes"`
	Stage    string `json:"stage"`
	Original int    `json:"original_bytes"`
}

// TestBadInput sends unusable events between usable ones, and requests that are
// refused as a whole.
func TestBadInput(t *testing.T) {
	each(t, badProjects, func(t *testing.T, d deployment) {
		var want []bad
		good := 0
		neighbour := func() string {
			good++
			return fmt.Sprintf(`{"type":"track","anonymousId":"d","event":"Good","messageId":"good-%d"}`, good)
		}
		early, late := badEvents()
		for _, b := range early {
			a := post(t, d, "wk_shop", "/v1/batch", `{"batch":[`+neighbour()+`,`+b.event+`,`+neighbour()+`]}`)
			a.want(t, 200, "")
			if !strings.Contains(a.body, `"accepted":2`) || !strings.Contains(a.body, `"index":1,"reason":"`+b.reason+`"`) {
				t.Errorf("%.80q: answer %s, want reason %s", b.event, a.body, b.reason)
			}
		}
		for _, b := range late {
			post(t, d, "wk_shop", "/v1/batch", `{"batch":[`+neighbour()+`,`+b.event+`,`+neighbour()+`]}`).want(t, 200, success)
		}
		want = append(append(want, early...), late...)

		// The structure is lost: what came before counts, the rest is one event.
		rest := `{"type":"track","anonymousId":"d","event":"cut`
		post(t, d, "wk_shop", "/v1/batch", `{"batch":[`+neighbour()+`,`+rest).want(t, 200, "")
		want = append(want, bad{rest, "malformed_json"})
		for _, whole := range []bad{{`{"batch":{}}`, "malformed_batch"}, {`[]`, "malformed_batch"}, {`hello`, "malformed_json"}} {
			post(t, d, "wk_shop", "/v1/batch", whole.event).want(t, 200, "")
			want = append(want, whole)
		}
		// Larger than an event may be: the beginning is kept.
		large := `{"type":"track","anonymousId":"d","event":"large","properties":{"a":"` + strings.Repeat("y", 1<<20) + `"}}`
		post(t, d, "wk_shop", "/v1/batch", `{"batch":[`+neighbour()+`,`+large+`,`+neighbour()+`]}`).want(t, 200, "")

		refuseWhole(t, d)

		rows := rowsOf(t, d, "shop", good)
		for _, r := range rows {
			if r.Event != "Good" {
				t.Errorf("row of %q", r.Event)
			}
		}
		checkRejected(t, d, want, large)
		checkCounters(t, d, append(want, bad{large, "event_too_large"}))
		if n := mustCount(t, d.bi(), "SELECT count() FROM analytics.touchpoints WHERE project != 'shop'") +
			mustCount(t, d.bi(), "SELECT count() FROM analytics.rejected WHERE project != 'shop'"); n != 0 {
			t.Errorf("%d events of refused requests are stored", n)
		}
	})
}

// refuseWhole sends requests of which nothing is taken.
func refuseWhole(t *testing.T, d deployment) {
	t.Helper()
	event := `{"type":"track","anonymousId":"d","event":"Refused"}`
	for _, key := range []string{"wk_nobody", "WK_SHOP", "shop", "", "wk_shop' OR 1=1 --", strings.Repeat("k", 5000)} {
		a := post(t, d, key, "/v1/batch", `{"batch":[`+event+`]}`)
		a.want(t, http.StatusUnauthorized, "")
		for _, project := range []string{"shop", "small", "wk_"} {
			if strings.Contains(a.body, project) {
				t.Errorf("the answer to a wrong key says %q: %s", project, a.body)
			}
		}
	}
	post(t, d, "wk_shop", "/v1/batch", `{"batch":[`+event+`],"x":"`+strings.Repeat("z", 4<<20)+`"}`).want(t, http.StatusRequestEntityTooLarge, "")
	post(t, d, "wk_small", "/v1/batch", `{"batch":[`+event+`,`+event+`,`+event+`]}`).want(t, http.StatusRequestEntityTooLarge, "")
	post(t, d, "wk_shop", "/v1/batch", gzipped(t, `{"batch":[`+event+`],"x":"`+strings.Repeat("0", 64<<20)+`"}`), "Content-Encoding: gzip").
		want(t, http.StatusRequestEntityTooLarge, "")
	post(t, d, "wk_shop", "/v1/batch", "\x1f\x8bnot gzip at all", "Content-Encoding: gzip").want(t, http.StatusBadRequest, "")
	post(t, d, "wk_shop", "/v1/batch", `{"batch":[`+event+`]}`, "Content-Encoding: compress").want(t, http.StatusUnsupportedMediaType, "")
	post(t, d, "wk_shop", "/v1/batch", "").want(t, http.StatusBadRequest, "")
	post(t, d, "wk_shop", "/v1/nothing", `{}`).want(t, http.StatusNotFound, "")
}

func gzipped(t *testing.T, text string) string {
	t.Helper()
	var b bytes.Buffer
	z := gzip.NewWriter(&b)
	if _, err := io.WriteString(z, text); err != nil {
		t.Fatal(err)
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

// checkRejected wants the bytes of every bad event in analytics.rejected, with
// its reason, and nothing else there but the beginning of the large one.
func checkRejected(t *testing.T, d deployment, want []bad, large string) {
	t.Helper()
	var rows []rejection
	await(t, landTime, "rejected events land", func() (err error) {
		rows, err = selectRows[rejection](d.bi(), "SELECT reason, hex(payload) AS bytes, stage, original_bytes FROM analytics.rejected", nil)
		if err == nil && len(rows) < len(want)+1 {
			err = fmt.Errorf("%d of %d", len(rows), len(want)+1)
		}
		return err
	})
	for _, b := range append(slices.Clone(want), bad{large[:64<<10], "event_too_large"}) {
		i := slices.IndexFunc(rows, func(r rejection) bool {
			payload, err := hex.DecodeString(r.Payload)
			return err == nil && string(payload) == b.event && r.Reason == b.reason
		})
		if i < 0 {
			t.Errorf("no row for %s %.80q", b.reason, b.event)
			continue
		}
		length := len(b.event)
		if b.reason == "event_too_large" {
			length = len(large)
		}
		if rows[i].Original != length || rows[i].Stage == "" {
			t.Errorf("%s: stage %q, %d original bytes, want %d", b.reason, rows[i].Stage, rows[i].Original, length)
		}
		rows = slices.Delete(rows, i, i+1)
	}
	for _, r := range rows {
		t.Errorf("a rejection too many: %s %.80s", r.Reason, r.Payload)
	}
}

// checkCounters wants every rejection counted with its reason by the enricher,
// which gives each event its outcome, and no other. A partition that changed
// hands may have counted some twice; the dense log is exact.
func checkCounters(t *testing.T, d deployment, want []bad) {
	t.Helper()
	reasons := map[string]int{}
	for _, b := range want {
		reasons[b.reason]++
	}
	have := map[string]int{}
	await(t, landTime, "metrics are served", func() error {
		clear(have)
		for _, admin := range d.admins() {
			if err := addCounters(have, admin, `touchline_enricher_events_total{outcome="rejected",reason="`); err != nil {
				return err
			}
		}
		return nil
	})
	for _, reason := range slices.Compact(slices.Sorted(slices.Values(append(slices.Collect(maps.Keys(have)), slices.Collect(maps.Keys(reasons))...)))) {
		if have[reason] < reasons[reason] || reasons[reason] == 0 {
			t.Errorf("%d events counted as %s, want %d", have[reason], reason, reasons[reason])
		}
	}
	if found := readDense(t, d); found.outcomes["rejected"] != len(want) || found.outcomes["stored"]+len(want) != found.raw {
		t.Errorf("%d raw records became %v, want %d rejected", found.raw, found.outcomes, len(want))
	}
}

// addCounters adds the counters of a process whose name and first labels are
// prefix by the label value that follows.
func addCounters(sum map[string]int, admin, prefix string) error {
	resp, err := client().Get(admin + "/metrics")
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		return err
	}
	for line := range strings.Lines(string(body)) {
		labels, found := strings.CutPrefix(line, prefix)
		if !found {
			continue
		}
		label, _, _ := strings.Cut(labels, `"`)
		number := strings.Fields(line)
		n, err := strconv.ParseFloat(number[len(number)-1], 64)
		if err != nil {
			return errors.Join(fmt.Errorf("%s", line), err)
		}
		if n > 0 {
			sum[label] += int(n)
		}
	}
	return nil
}
