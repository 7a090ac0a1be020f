package collector_test

import (
	"strings"
	"testing"

	"go.uber.org/zap"

	"touchline.dev/services/internal/kafkatest"
)

// FuzzCalls sends any body, query and header to the paths of protocols that take
// what a sender likes. It never fails (5xx), and the topic grows by exactly the
// events that the answer's verdict speaks of, each of them valid as far as it is
// not rejected.
func FuzzCalls(f *testing.F) {
	heads := []string{
		"POST /v1/touchpoints?%s HTTP/1.1", "GET /v1/pixel.gif?%s HTTP/1.1", "POST /v1/webhook?%s HTTP/1.1", "GET /v1/webhook?%s HTTP/1.1",
		"POST /cloudevents?%s HTTP/1.1", "POST /cloudevents?%s HTTP/1.1\nContent-Type: text/plain\nce-id: 1\nce-type: t",
		"POST /rudderstack/v1/batch?%s HTTP/1.1", "GET /pixel/v1/track?%s HTTP/1.1", "POST /beacon/v1/batch?%s HTTP/1.1",
		"POST /api/s/batch?%s HTTP/1.1", "POST /api/s/track?%s HTTP/1.1",
	}
	seeds, place := 0, 0
	for _, sdk := range []string{"rudder", "rudder-node", "rudder-http", "jitsu", "cloudevents-node", "webhooks"} {
		seeds += recordedSeeds(f, sdk, func(r recorded, query string) {
			f.Add(uint8(place), query, "user-é", []byte(r.text()))
			place++
		}, "*T_*.json")
	}
	if seeds < 20 {
		f.Fatalf("%d recordings", seeds)
	}
	for i := range heads {
		f.Add(uint8(i), "a=%FF&%ff=+", "\xe9%", []byte("\xff\x00"))
		f.Add(uint8(i), "", "%E9%00\"", []byte("{\"a\":1}\n{\"a\":{}}\n[1"))
		f.Add(uint8(i), "user_id=u&event=e", "", []byte("event=a&user_id=%FF"))
	}
	s := startOn(f, kafkatest.Start(f), zap.NewNop())
	grown := growth(f, s)
	f.Fuzz(func(t *testing.T, place uint8, query, header string, body []byte) {
		if !isQuery(query) || !isHeader(header) {
			return
		}
		head := strings.Replace(heads[int(place)%len(heads)], "%s", query, 1) + "\nAuthorization: Basic d2tfdGVzdDo=\nX-Write-Key: wk_test\nce-subject: " + header + "\nX-GitHub-Event: " + header
		a := s.request(t, head, string(body))
		counts := verdictOf(t, a.Header)
		grown := grown()
		if a.StatusCode >= 500 || grown != counts["accepted"]+counts["rejected"] || grown > 0 && a.StatusCode > 299 {
			t.Fatalf("%s\n%q: %d %q, verdict %v, %d records", head, body, a.StatusCode, a.Text, counts, grown)
		}
	})
}
