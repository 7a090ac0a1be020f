package collector_test

import (
	"bytes"
	"compress/gzip"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"touchline.dev/services/internal/kafkatest"
)

// BenchmarkProtocols measures what an event of each protocol costs the collector,
// as an SDK sent it: alone, and where its SDKs send batches in batches of fifty.
// Beside it stand, in the same minute, a net/http handler that reads and answers
// ("handler"), and one that also undoes the compression, form and base64 with the
// means of the standard library ("decode"). b.N counts events; CPU time is that of
// the server's process.
func BenchmarkProtocols(b *testing.B) {
	for _, l := range benchLoads() {
		for _, size := range l.sizes {
			requests := l.requests(b, size)
			for _, role := range []string{roleHandler, roleDecode, roleCollector} {
				b.Run(fmt.Sprintf("%s/events=%d/%s", l.name, size, role), func(b *testing.B) {
					var c *child
					if role == roleCollector {
						c = startCollectorFor(b, recordedProjects, kafkatest.Start(b))
					} else {
						c = launch(b, role)
					}
					measure(b, c, requests, size)
				})
			}
		}
	}
}

// benchLoad is a recorded request of a protocol. Where it has a list of events,
// list is the member that holds it ("." for a bare list) and size how many are sent.
type benchLoad struct {
	name, file, list string
	sizes            []int
}

func benchLoads() []benchLoad {
	one, many := []int{1}, []int{50}
	return []benchLoad{
		{"segment", "segment-next/default/005-POST_v1_t.json", "", one},
		{"segment", "segment-node/default/001-POST_v1_batch.json", "batch", many},
		{"rudderstack", "rudder/default/006-POST_v1_track.json", "", one},
		{"rudderstack", "rudder-node/default/001-POST_v1_batch.json", "batch", many},
		{"jitsu", "jitsu/default/004-POST_api_s_track.json", "", one},
		{"posthog", "posthog/nobatch/003-POST_e.json", "", one},
		{"posthog", "posthog-node/default/003-POST_batch.json", "batch", many},
		{"snowplow", "snowplow/get/001-GET_i.json", "", one},
		{"snowplow", "snowplow-node/post/001-POST_com.snowplowanalytics.snowplow_tp2.json", "data", many},
		{"mixpanel", "mixpanel/nobatch/001-POST_track.json", "", one},
		{"mixpanel", "mixpanel/default/001-POST_track.json", ".", many},
		{"amplitude", "amplitude/default/002-POST_2_httpapi.json", "events", []int{1, 50}},
		{"ga4", "ga4-gtag/default/003-GET_g_collect.json", "", one},
		{"ga4", "ga4-mp/default/001-POST_mp_collect.json", "events", []int{25}}, // its limit
		{"matomo", "matomo/get/002-POST_matomo.php.json", "", one},
		{"matomo", "matomo/queue/007-POST_matomo.php.json", "requests", many},
		{"plausible", "plausible/default/001-POST_api_event.json", "", one},
		{"umami", "umami-script/default/005-POST_api_send.json", "", one},
		{"cloudevents", "cloudevents-node/default/001-POST_cloudevents.json", "", one},
		{"cloudevents", "cloudevents-node/default/005-POST_cloudevents.json", ".", many},
		{"webhook", "webhooks/default/001-POST_v1_webhook.json", "", one},
	}
}

// requests returns different requests of so many events.
func (l *benchLoad) requests(b *testing.B, size int) [][]byte {
	b.Helper()
	var r recorded
	readJSON(b, filepath.Join(recordings, filepath.FromSlash(l.file)), &r)
	ids := l.ids(b)
	wrapped := unwrapRecorded(b, r)
	all := make([][]byte, 512/size+32)
	for i := range all {
		fresh := func(text string, n int) string {
			for _, id := range ids {
				text = strings.ReplaceAll(text, id, id[:len(id)-6]+fmt.Sprintf("%06d", n%1_000_000))
			}
			return text
		}
		text := fresh(wrapped.text, i)
		if l.list != "" {
			text = multiply(b, wrapped.text, l.list, size, func(event string, n int) string { return fresh(event, i*size+n) })
		}
		r.Target = fresh(wrapped.target, i)
		all[i] = r.request(wrapped.wrap(b, text))
	}
	return all
}

// ids are the ids in the request that are long enough to be changed in their last
// characters.
func (l *benchLoad) ids(b *testing.B) []string {
	b.Helper()
	sdk, rest, _ := strings.Cut(l.file, "/")
	scenario, file, _ := strings.Cut(rest, "/")
	var m manifest
	readJSON(b, filepath.Join(recordings, sdk, "manifest.json"), &m)
	var ids []string
	for _, s := range m.Scenarios {
		for _, e := range s.ExpectedEvents {
			for _, id := range []string{e.MessageID, e.AnonymousID} {
				if s.Name == scenario && e.From == file && len(id) >= 8 && !slices.Contains(ids, id) {
					ids = append(ids, id)
				}
			}
		}
	}
	return ids
}

// wrapping is a recorded body without what is wrapped around it, and how to put
// that on again.
type wrapping struct {
	text, target string
	packed, form bool
}

func unwrapRecorded(b *testing.B, r recorded) wrapping {
	b.Helper()
	w := wrapping{text: r.bytes(b), target: r.Target}
	if strings.HasPrefix(w.text, "\x1f\x8b") {
		z, err := gzip.NewReader(strings.NewReader(w.text))
		if err != nil {
			b.Fatal(err)
		}
		text, err := io.ReadAll(z)
		if err != nil {
			b.Fatal(err)
		}
		w.text, w.packed = string(text), true
	}
	if data, ok := strings.CutPrefix(w.text, "data="); ok {
		plain, err := url.QueryUnescape(data)
		if err != nil {
			b.Fatal(err)
		}
		text, err := base64.StdEncoding.DecodeString(plain)
		if err != nil {
			b.Fatal(err)
		}
		w.text, w.form = string(text), true
	}
	return w
}

func (w *wrapping) wrap(b *testing.B, text string) string {
	if w.form {
		text = "data=" + url.QueryEscape(base64.StdEncoding.EncodeToString([]byte(text)))
	}
	if w.packed {
		text = gzipped(b, []byte(text))
	}
	return text
}

// multiply repeats the events of a list until there are so many.
func multiply(b *testing.B, text, list string, size int, fresh func(event string, n int) string) string {
	b.Helper()
	var events []json.RawMessage
	members := map[string]json.RawMessage{}
	into := any(&events)
	if list != "." {
		into = &members
	}
	if err := json.Unmarshal([]byte(text), into); err != nil {
		b.Fatalf("%s: %v", text, err)
	}
	if list != "." {
		if err := json.Unmarshal(members[list], &events); err != nil {
			b.Fatalf("%s: %v", text, err)
		}
	}
	many := make([]string, size)
	for n := range many {
		many[n] = fresh(string(events[n%len(events)]), n)
	}
	joined := "[" + strings.Join(many, ",") + "]"
	if list == "." {
		return joined
	}
	members[list] = json.RawMessage(joined)
	out, err := marshal(members)
	if err != nil {
		b.Fatal(err)
	}
	return string(bytes.TrimSpace(out))
}

// undo is the bare decoding of a transport: inflate, form and base64.
func undo(body io.Reader) error {
	text, err := io.ReadAll(body)
	if err != nil {
		return err
	}
	if bytes.HasPrefix(text, []byte{0x1f, 0x8b}) {
		z, err := gzip.NewReader(bytes.NewReader(text))
		if err != nil {
			return err
		}
		if text, err = io.ReadAll(z); err != nil {
			return err
		}
	}
	if data, ok := bytes.CutPrefix(text, []byte("data=")); ok {
		plain, err := url.QueryUnescape(string(data))
		if err != nil {
			return err
		}
		_, err = base64.StdEncoding.DecodeString(plain)
		return err
	}
	return nil
}

// measure sends b.N events and reports what the server used for them.
func measure(b *testing.B, c *child, requests [][]byte, size int) {
	connections := 128
	if size > 1 {
		connections = 32
	}
	send(b, c.addr, requests, connections, 4*connections) // connections and pools are warm
	total := max(b.N/size, 1)
	before, start := c.usage(b), time.Now()
	b.ResetTimer()
	send(b, c.addr, requests, connections, total)
	b.StopTimer()
	after, events := c.usage(b), float64(total*size)
	b.ReportMetric(float64(after.cpu-before.cpu)/events, "cpu-ns/event")
	b.ReportMetric(float64(after.mallocs-before.mallocs)/events, "allocs/event")
	b.ReportMetric(float64(after.bytes-before.bytes)/events, "B/event")
	b.ReportMetric(events/time.Since(start).Seconds(), "events/s")
}

// decodeHandler answers after it has undone the transport.
func decodeHandler(w http.ResponseWriter, r *http.Request) {
	if err := undo(r.Body); err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	_, _ = io.WriteString(w, success)
}
