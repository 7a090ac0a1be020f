package collector_test

import (
	"strings"
	"testing"

	"go.uber.org/zap"

	"touchline.dev/services/internal/kafkatest"
)

// FuzzTrackers sends any body, query and cookie to the paths of Snowplow and Google
// Analytics. It never fails (5xx), and the topic grows by exactly the events that
// the answer's verdict speaks of.
func FuzzTrackers(f *testing.F) {
	heads := []string{
		tp2Path, "POST /com.acme/tp2?%s HTTP/1.1", "GET /i?aid=app&%s HTTP/1.1", "GET /snowplow/i?aid=app&e=pv&%s HTTP/1.1",
		measurementPath, "POST /debug/mp/collect?%s HTTP/1.1", "POST /g/collect?tid=G-1&%s HTTP/1.1", "GET /g/collect?tid=G-1&%s HTTP/1.1",
	}
	seeds := 0
	for _, sdk := range []string{"snowplow", "snowplow3", "snowplow-node", "ga4-mp", "ga4-gtag", "ga4min"} {
		seeds += recordedSeeds(f, sdk, func(r recorded, query string) {
			place := map[string]uint8{"sn": 0, "ga": 6}[sdk[:2]]
			switch {
			case sdk == "ga4-mp":
				place = 4
			case r.Method == "GET":
				place += 2 - place/6
			}
			f.Add(place, query, "sp=1b6f6f0e", []byte(strings.ReplaceAll(r.text(), `"aid":"shop"`, `"aid":"app"`)))
		}, "*T_*.json")
	}
	if seeds < 35 {
		f.Fatalf("%d recordings", seeds)
	}
	for i := range heads {
		f.Add(uint8(i), "cx=%FF&co={}&duid=%zz&_p=1&_s=+&cid=%41", "sp=\xff", []byte(`{"schema":"payload_data","data":[{"aid":"app","duid":"0","co":"{\"data\":[{\"schema\":1}]}","cx":"e30"},{"aid":"blog"},7]}`))
		f.Add(uint8(i), "", "", []byte(`{"events":[{"name":"e"},[]],"client_id":"\ud800","user_id":{},"events":[{}]}`))
		f.Add(uint8(i), "&&==", "a", []byte("en=a\n\n\r\nen=\xff&cid\n"))
	}
	s := startWithProjects(f, trackerProjects, kafkatest.Start(f), zap.NewNop(), nil)
	grown := growth(f, s)
	f.Fuzz(func(t *testing.T, place uint8, query, cookie string, body []byte) {
		if !isQuery(query) || !isHeader(cookie) {
			return
		}
		head := strings.Replace(heads[int(place)%len(heads)], "%s", query, 1) + "\nCookie: " + cookie
		a := s.request(t, head, string(body))
		counts := map[string]int64{}
		if a.Header.Get("Touchline-Verdict") != "" { // not of a path that nobody claims, and of debug
			counts = verdictOf(t, a.Header)
		}
		grown := grown()
		// Events whose own app id opens nothing are rejected and not stored.
		if a.StatusCode >= 500 || grown < counts["accepted"] || grown > counts["accepted"]+counts["rejected"] || grown > 0 && a.StatusCode > 299 {
			t.Fatalf("%s\n%q: %d %q, verdict %v, %d records", head, body, a.StatusCode, a.Text, counts, grown)
		}
	})
}
