package collector_test

import (
	"fmt"
	"maps"
	"net/http"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/goccy/go-yaml"

	"touchline.dev/schemas/event"
	"touchline.dev/services/collector"
)

// operation is what the description says about one method of a path.
type operation struct {
	Summary   string
	Tags      []string
	Responses map[string]struct {
		Ref string `yaml:"$ref"`
	}
}

// TestOpenAPI holds docs/openapi.yaml against the program: every route is
// described, nothing else is, and every reason is listed.
func TestOpenAPI(t *testing.T) {
	text, err := os.ReadFile("../../docs/openapi.yaml")
	if err != nil {
		t.Fatal(err)
	}
	var spec struct {
		Paths map[string]struct {
			Get, Post *operation
		}
		Components struct {
			Responses map[string]any
			Schemas   struct {
				Reason struct{ Enum []string } `yaml:"Reason"`
			}
		}
		Tags []struct{ Name string }
	}
	if err := yaml.Unmarshal(text, &spec); err != nil {
		t.Fatal(err)
	}
	described := map[string]bool{}
	for path, item := range spec.Paths {
		for method, op := range map[string]*operation{http.MethodGet: item.Get, http.MethodPost: item.Post} {
			if op == nil {
				continue
			}
			described[method+" "+path] = true
			if op.Summary == "" || len(op.Tags) == 0 || len(op.Responses) == 0 {
				t.Errorf("%s %s: summary %q, tags %v, %d responses", method, path, op.Summary, op.Tags, len(op.Responses))
			}
			for _, r := range op.Responses {
				if name := strings.TrimPrefix(r.Ref, "#/components/responses/"); spec.Components.Responses[name] == nil {
					t.Errorf("%s %s: no response is called %q", method, path, r.Ref)
				}
			}
		}
	}
	routes := map[string]bool{"GET /": true, "GET /robots.txt": true}
	names := map[string]bool{"collector": true}
	for _, p := range collector.Protocols() {
		names[p.Name] = true
		for _, r := range p.Routes {
			routes[r.Method+" "+r.Path] = true
		}
	}
	for _, r := range slices.Sorted(maps.Keys(routes)) {
		if !described[r] {
			t.Errorf("%s is not described", r)
		}
	}
	for d := range described {
		if !routes[d] {
			t.Errorf("%s is described and not there", d)
		}
	}
	for _, tag := range spec.Tags {
		if !names[tag.Name] {
			t.Errorf("no protocol is called %s", tag.Name)
		}
		delete(names, tag.Name)
	}
	for name := range names {
		t.Errorf("no tag is called %s", name)
	}
	var reasons []string
	for _, r := range slices.Concat(event.RequestReasons(), event.EventReasons(), event.DropReasons()) {
		reasons = append(reasons, string(r))
	}
	if slices.Sort(reasons); !slices.Equal(reasons, slices.Sorted(slices.Values(spec.Components.Schemas.Reason.Enum))) {
		t.Errorf("reasons are described as %v, they are %v", spec.Components.Schemas.Reason.Enum, reasons)
	}
}

// TestEveryRoute asks every route in every way it is served and finds that it is.
func TestEveryRoute(t *testing.T) {
	s := start(t)
	for _, p := range collector.Protocols() {
		for _, r := range p.Routes {
			for _, prefix := range []string{"", "/" + p.Name} {
				path := strings.NewReplacer("{vendor}", "com.acme", "{version}", "v1", "{", "", "}", "").Replace(prefix + r.Path)
				a := s.request(t, fmt.Sprintf("OPTIONS %s HTTP/1.1\nOrigin: https://shop.example\nAccess-Control-Request-Method: %s", path, r.Method), "")
				if a.StatusCode != http.StatusNoContent || !strings.Contains(a.Header.Get("Allow"), r.Method) || a.Header.Get("Access-Control-Allow-Origin") != "https://shop.example" {
					t.Errorf("OPTIONS %s: %d %v", path, a.StatusCode, a.Header)
				}
			}
		}
	}
}
