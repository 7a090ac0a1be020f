//go:build sdks

package sdk_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"
)

// scenario is what the drivers do, see drivers/scenario.mjs. Times are in ms.
type scenario struct {
	Name     string `json:"name"`
	Base     string `json:"base"`
	Key      string `json:"key"`
	Scenario string `json:"scenario"`
	Count    int    `json:"count,omitempty"`
	More     string `json:"more,omitempty"`
	Wait     int    `json:"wait,omitempty"`
	Padding  int    `json:"padding,omitempty"`
	Linger   int    `json:"linger,omitempty"`

	steps *steps // instead of Count
}

// steps lets the SDKs of a test take step after step until it is told to end.
type steps struct {
	mu    sync.Mutex
	taken map[string]int
	ended bool
}

// ServeHTTP is asked before each step and answers 200 when it may be taken.
func (s *steps) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	defer s.mu.Unlock()
	n, err := strconv.Atoi(r.FormValue("n"))
	if s.ended || err != nil {
		http.Error(w, "no more steps", http.StatusGone)
		return
	}
	s.taken[r.FormValue("name")] = n
}

func (s *steps) end() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.ended = true
}

// of returns how many steps the SDK has taken.
func (s *steps) of(one *sdk) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.taken[one.name]
}

// start has all SDKs run the scenario at the same time, each against its own address,
// and returns the processes: one for each SDK for servers, one for all in the browser.
func start(t *testing.T, dir string, all []*sdk, sc scenario, address func(*sdk) *url.URL) []*process {
	t.Helper()
	var running []*process
	var web []*sdk
	if sc.steps != nil {
		asked := httptest.NewServer(sc.steps)
		t.Cleanup(asked.Close)
		sc.More = asked.URL
	}
	for _, s := range all {
		if s.browser {
			web = append(web, s)
			continue
		}
		mine := sc
		mine.Name, mine.Base, mine.Key = s.name, address(s).String(), s.key
		running = append(running, launch(t, dir, s.name, "node", []string{at("drivers", "node.mjs"), s.driver, encode(t, mine)}))
	}
	if len(web) > 0 {
		running = append(running, startBrowser(t, dir, web, sc, address))
	}
	return running
}

// startBrowser opens a page for each SDK. The collector has another site than the
// pages, so that everything is subject to CORS.
func startBrowser(t *testing.T, dir string, all []*sdk, sc scenario, address func(*sdk) *url.URL) *process {
	t.Helper()
	chromium, err := output("../../../../scripts/sdks/sdks.sh", "browser")
	if err != nil {
		t.Fatal(err)
	}
	handler := http.NewServeMux()
	handler.HandleFunc("/", servePage)
	if sc.steps != nil {
		handler.Handle("/more", sc.steps)
	}
	pages := httptest.NewServer(handler)
	t.Cleanup(pages.Close)
	type page struct {
		Name string `json:"name"`
		URL  string `json:"url"`
	}
	options := struct {
		Chromium string   `json:"chromium"`
		Rules    []string `json:"rules"`
		Pages    []page   `json:"pages"`
	}{Chromium: chromium, Rules: []string{"MAP www.shop.test " + pages.Listener.Addr().String()}}
	for _, s := range all {
		host := s.name + ".collect.test"
		options.Rules = append(options.Rules, "MAP "+host+" "+address(s).Host)
		mine := sc
		mine.Name, mine.Base, mine.Key = s.name, "http://"+host, s.key
		if sc.steps != nil {
			mine.More = "/more"
		}
		options.Pages = append(options.Pages, page{s.name, fmt.Sprintf("http://www.shop.test/pricing?utm_source=newsletter&script=%s#options=%s",
			s.driver, url.QueryEscape(encode(t, mine)))})
	}
	return launch(t, dir, "browser", "node", []string{at("drivers", "browser.mjs"), encode(t, options)})
}

// servePage serves the pages and their scripts.
func servePage(w http.ResponseWriter, r *http.Request) {
	switch name := r.URL.Path; {
	case name == "/pricing":
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
		fmt.Fprintf(w, `<!doctype html><title>Pricing</title><h1>Pricing</h1><script src="/pages/%s.js"></script>`, url.PathEscape(r.URL.Query().Get("script")))
	case name == "/umami.js":
		http.ServeFile(w, r, at("drivers", "node_modules", "umami", "src", "tracker", "index.js"))
	case name == "/matomo.js":
		http.ServeFile(w, r, os.Getenv(matomoScript))
	case strings.HasPrefix(name, "/pages/"):
		http.FileServer(http.Dir(work)).ServeHTTP(w, r)
	default:
		http.NotFound(w, r)
	}
}

// finish waits for the scenario to end everywhere, and says so if it failed.
func finish(t *testing.T, running []*process, limit time.Duration) {
	t.Helper()
	for _, p := range running {
		if err := p.wait(limit); err != nil {
			t.Errorf("%s: %v\n%s", p.name, err, p.tail())
		}
	}
}

func encode(t *testing.T, v any) string {
	t.Helper()
	text, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}
