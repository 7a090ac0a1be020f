package collector_test

import (
	"strings"
	"testing"

	"go.uber.org/zap"

	"touchline.dev/services/internal/kafkatest"
)

// FuzzForms sends any body and query to the paths of Amplitude and Mixpanel. It
// never fails (5xx), and the topic grows by exactly the events that the answer's
// verdict speaks of. A strict import is the only one that is told 400 although
// something is stored.
func FuzzForms(f *testing.F) {
	heads := []string{
		"POST /2/httpapi?%s HTTP/1.1", "POST /amplitude/batch?%s HTTP/1.1", "POST /amplitude?%s HTTP/1.1",
		"POST /mixpanel/track?%s HTTP/1.1", "POST /mixpanel/engage?%s HTTP/1.1", "POST /groups?%s HTTP/1.1", "POST /import?%s HTTP/1.1",
		"GET /track?%s HTTP/1.1", "GET /mixpanel/engage?%s HTTP/1.1", "GET /import?%s HTTP/1.1",
	}
	seeds := 0
	for i, sdk := range []string{"amplitude", "amplitude-node", "amplitude-legacy", "mixpanel", "mixpanel-node"} {
		seeds += recordedSeeds(f, sdk, func(r recorded, query string) {
			ours := strings.NewReplacer("amp_key", "wk_test", "mp_token", "wk_test")
			f.Add(uint8(i), ours.Replace(query), []byte(ours.Replace(r.text())))
		}, "*T_*.json", "*-POST.json")
	}
	if seeds < 70 {
		f.Fatalf("%d recordings", seeds)
	}
	for i := range heads {
		f.Add(uint8(i), "strict=1&project_id=wk_test", []byte(`[{"event":"e","properties":{"token":"wk_test","distinct_id":[]}},7,{"$token":"wk_test","$group_id":{}}]`))
		f.Add(uint8(i), "data=eyJldmVudCI6ImUiLCJwcm9wZXJ0aWVzIjp7InRva2VuIjoid2tfdGVzdCJ9fQ", []byte(" "))
		f.Add(uint8(i), "verbose=1&ip=0&img=1", []byte(`{"api_key":"wk_test","events":[{"device_id":"\ud800"},{]`))
		f.Add(uint8(i), "_=%FF", []byte("client=wk_test&e=%5B%7B%22a%22:1%7D,%00&data=\xED\xA0\xBC\xED"))
	}
	s := startOn(f, kafkatest.Start(f), zap.NewNop())
	grown := growth(f, s)
	f.Fuzz(func(t *testing.T, place uint8, query string, body []byte) {
		if !isQuery(query) {
			return
		}
		head := strings.Replace(heads[int(place)%len(heads)], "%s", query, 1)
		a := s.request(t, head, string(body))
		counts := verdictOf(t, a.Header)
		grown := grown()
		// Events whose own token opens nothing are rejected and not stored.
		if a.StatusCode >= 500 || grown < counts["accepted"] || grown > counts["accepted"]+counts["rejected"] {
			t.Fatalf("%s\n%q: %d %q, verdict %v, %d records", head, body, a.StatusCode, a.Text, counts, grown)
		}
		if grown > 0 && a.StatusCode > 299 && !(a.StatusCode == 400 && strings.Contains(query, "strict=1")) {
			t.Fatalf("%s\n%q: %d although %d are stored", head, body, a.StatusCode, grown)
		}
	})
}
