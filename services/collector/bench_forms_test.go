package collector_test

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// BenchmarkForms measures Amplitude's and Mixpanel's requests as BenchmarkHandler
// does Segment's: recorded events with ids of their own, in the wrapping of their
// SDKs.
func BenchmarkForms(b *testing.B) {
	for _, c := range []struct {
		name, file string
		size       int
		wrap       func(list []string) string
	}{
		{"amplitude", "amplitude/default/002-POST_2_httpapi.json", 50, func(list []string) string {
			return `{"api_key":"wk_test","events":[` + strings.Join(list, ",") + `],"options":{},"client_upload_time":"2026-11-21T19:48:42.437Z"}`
		}},
		{"amplitude_v1", "amplitude-legacy/default/003-POST.json", 50, func(list []string) string {
			return "checksum=e4&client=wk_test&e=" + url.PathEscape("["+strings.Join(list, ",")+"]") + "&upload_time=1795290537179&v=2"
		}},
		{"mixpanel", "mixpanel/default/001-POST_track.json", 50, func(list []string) string {
			return "data=" + url.QueryEscape(base64.StdEncoding.EncodeToString([]byte("["+strings.Join(list, ",")+"]")))
		}},
		{"mixpanel_one", "mixpanel/default/001-POST_track.json", 1, func(list []string) string {
			return "data=" + url.QueryEscape(base64.StdEncoding.EncodeToString([]byte(list[0])))
		}},
	} {
		b.Run(fmt.Sprintf("events=%d/%s", c.size, c.name), func(b *testing.B) {
			r, events := recordedForm(b, c.file)
			requests := make([][]byte, 512/c.size+32)
			for i := range requests {
				list := make([]string, c.size)
				for k := range list {
					n := i*c.size + k
					list[k] = formIDs.ReplaceAllStringFunc(events[n%len(events)], func(member string) string {
						return member[:len(member)-7] + fmt.Sprintf(`%06d"`, n%1_000_000)
					})
				}
				requests[i] = r.request(c.wrap(list))
			}
			server := startChild(b, roleCollector)
			send(b, server.addr, requests, 32, 128) // connections and pools are warm
			total := max(b.N/c.size, 1)
			before := server.usage(b)
			b.ResetTimer()
			send(b, server.addr, requests, 32, total)
			b.StopTimer()
			after, count := server.usage(b), float64(total*c.size)
			b.ReportMetric(float64(after.cpu-before.cpu)/count, "cpu-ns/event")
			b.ReportMetric(float64(after.mallocs-before.mallocs)/count, "allocs/event")
			b.ReportMetric(float64(after.bytes-before.bytes)/count, "B/event")
		})
	}
}

var formIDs = regexp.MustCompile(`"(insert_id|\$insert_id|uuid|device_id|\$device_id|distinct_id)":"([^"]{6,})"`)

// recordedForm returns a recorded request and its events, with a key that opens
// something.
func recordedForm(b *testing.B, file string) (r recorded, events []string) {
	b.Helper()
	data, err := os.ReadFile(filepath.Join(recordings, filepath.FromSlash(file)))
	if err != nil {
		b.Fatal(err)
	}
	if err := json.Unmarshal(data, &r); err != nil {
		b.Fatal(err)
	}
	text := r.text()
	var batch struct{ Events []json.RawMessage }
	into := any(&batch)
	if text[0] != '{' {
		form, err := url.ParseQuery(text)
		if err != nil {
			b.Fatal(err)
		}
		plain, err := base64.StdEncoding.DecodeString(form.Get("data"))
		if err != nil {
			b.Fatal(err)
		}
		text, into = form.Get("e")+string(plain), &batch.Events
	}
	if err := json.Unmarshal([]byte(text), into); err != nil {
		b.Fatal(err)
	}
	for _, event := range batch.Events {
		events = append(events, strings.ReplaceAll(string(event), "mp_token", "wk_test"))
	}
	return r, events
}
