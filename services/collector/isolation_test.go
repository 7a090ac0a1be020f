package collector_test

import (
	"bytes"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"testing"
)

// Memory is used again from request to request; nothing of one may show in
// another. Each event here says what its own envelope must hold.
func TestNothingLeaksBetweenRequests(t *testing.T) {
	s := start(t)
	const workers, requests = 6, 60
	client := &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: workers}}
	t.Cleanup(client.CloseIdleConnections)
	var wait sync.WaitGroup
	for w := range workers {
		wait.Go(func() {
			for n := range requests {
				if err := postOwn(client, s.Addr(), w, n); err != nil {
					t.Error(err)
					return
				}
			}
		})
	}
	wait.Wait()
	records := s.records(t)
	want := 0
	for w := range workers {
		for n := range requests {
			want += size(w, n)
		}
	}
	if len(records) != want {
		t.Errorf("%d records, want %d", len(records), want)
	}
	for _, r := range records {
		var w, n, i int
		if _, err := fmt.Sscanf(string(r.Event), `{"anonymousId":"w%d-%d-%d"`, &w, &n, &i); err != nil {
			t.Fatalf("%s: %v", r.Event, err)
		}
		context, sentAt, endpoint, agent := "", "", "page", ""
		if size(w, n) > 1 {
			endpoint = "batch"
		}
		if n%3 == 0 && endpoint == "batch" {
			context, sentAt = fmt.Sprintf(`{"w":%d,"n":%d}`, w, n), fmt.Sprintf("sent-%d-%d", w, n)
		}
		if n%2 == 0 {
			agent = fmt.Sprintf("agent-%d-%d", w, n)
		}
		if r.Project != []string{"shop", "other"}[w%2] || string(r.Context) != context || r.SentAt != sentAt || r.Endpoint != endpoint ||
			r.UserAgent != agent || r.Header("accept-language") != agent || int(r.Index) != i || !bytes.Equal(r.Event, own(w, n, i)) ||
			r.Key != fmt.Sprintf("%s/d/w%d-%d-%d", r.Project, w, n, i) || r.RejectReason != "" {
			t.Fatalf("worker %d, request %d, event %d: %+v", w, n, i, r)
		}
	}
}

// size is 1 for single calls.
func size(w, n int) int { return 1 + (w+n)%4*7 }

func own(w, n, i int) []byte {
	return fmt.Appendf(nil, `{"anonymousId":"w%d-%d-%d","x":"%s"}`, w, n, i, strings.Repeat("y", (w*31+n*17+i)%300))
}

func postOwn(client *http.Client, addr string, w, n int) error {
	path, body := "/v1/page", string(own(w, n, 0))
	if size(w, n) > 1 {
		path = "/v1/batch"
		var list []string
		for i := range size(w, n) {
			list = append(list, string(own(w, n, i)))
		}
		body = `{"batch":[` + strings.Join(list, ",") + `]`
		if n%3 == 0 {
			body += fmt.Sprintf(`,"context":{"w":%d,"n":%d},"sentAt":"sent-%d-%d"`, w, n, w, n)
		}
		body += "}"
	}
	req, err := http.NewRequest("POST", "http://"+addr+path, strings.NewReader(body))
	if err != nil {
		return err
	}
	req.SetBasicAuth([]string{"wk_test", "wk_other"}[w%2], "")
	req.Header.Set("User-Agent", "")
	if n%2 == 0 {
		agent := fmt.Sprintf("agent-%d-%d", w, n)
		req.Header.Set("User-Agent", agent)
		req.Header.Set("Accept-Language", agent)
	}
	res, err := client.Do(req)
	if err != nil {
		return err
	}
	if res.StatusCode != 200 {
		return fmt.Errorf("worker %d, request %d: %d", w, n, res.StatusCode)
	}
	return res.Body.Close()
}
