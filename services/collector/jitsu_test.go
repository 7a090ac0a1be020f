package collector_test

import (
	"encoding/json"
	"strings"
	"testing"

	"go.uber.org/zap"
)

// The SDK takes everything that is no JSON for a failure, and the write key that
// it puts into the body is redacted.
func TestJitsu(t *testing.T) {
	s := start(t)
	fresh := s.fresh()
	const call = `{"type":"track","event":"E","anonymousId":"a","writeKey":"wk_other"}`
	for _, c := range []struct {
		head, body, endpoint string
		status               int
	}{
		{"POST /api/s/track HTTP/1.1\nX-Write-Key: wk_test", call, "track", 200},
		{"POST /api/s/s2s/identify HTTP/1.1\nX-Write-Key: wk_test", call, "identify", 200},
		{"POST /api/s/event HTTP/1.1\nAuthorization: Bearer wk_test", call, "event", 200},
		{"POST /jitsu/v1/track HTTP/1.1\nX-Write-Key: wk_test", call, "track", 200},
		{"POST /v1/page HTTP/1.1\nX-Write-Key: wk_test", call, "page", 200},
		{"POST /api/s/batch HTTP/1.1\nX-Write-Key: wk_test", `{"batch":[` + call + `],"writeKey":"wk_other"}`, "batch", 200},
		{"POST /api/s/track HTTP/1.1\nX-Write-Key: wk_test", `{`, "track", 200},
		{"POST /api/s/track HTTP/1.1", call, "", 401},
		{"POST /api/s/track HTTP/1.1\nX-Write-Key: nobody", call, "", 401},
		{"POST /api/s/track HTTP/1.1\nX-Write-Key: wk_test", "", "", 400},
	} {
		a := s.request(t, c.head, c.body)
		var said struct{ OK *bool }
		if err := json.Unmarshal([]byte(a.Text), &said); err != nil || said.OK == nil || *said.OK != (c.status == 200) || a.StatusCode != c.status {
			t.Errorf("%s: %d %q", c.head, a.StatusCode, a.Text)
		}
		records := fresh(t)
		if (len(records) == 1) != (c.endpoint != "") {
			t.Errorf("%s: %d records", c.head, len(records))
		}
		for _, r := range records {
			if r.Protocol != "jitsu" || r.Project != "shop" || r.Endpoint != c.endpoint {
				t.Errorf("%s: %+v", c.head, r)
			}
		}
	}
	// Basic authentication holds both halves of a key.
	both := strings.Replace(projectsFile, "{key: wk_web, source: web}", `{key: "wkid:wksecret", protocols: [jitsu]}`, 1)
	other := startWithProjects(t, both, s.cluster, zap.NewNop(), nil)
	other.request(t, "POST /api/s/track HTTP/1.1\nAuthorization: Basic d2tpZDp3a3NlY3JldA==", call).want(t, 200, `{"ok":true}`)
}
