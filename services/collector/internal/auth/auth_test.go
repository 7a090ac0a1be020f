package auth_test

import (
	"net/http"
	"net/http/httptest"
	"testing"

	"touchline.dev/services/collector/internal/auth"
)

func TestKeys(t *testing.T) {
	for _, c := range []struct {
		header, query                       string
		basic, user, bearer, own, parameter string
	}{
		{},
		{header: "Basic d2tfdGVzdDo=", basic: "wk_test:", user: "wk_test"},
		{header: "bASIC d2tpZDp3a3NlY3JldA==", basic: "wkid:wksecret", user: "wkid"},
		{header: "Basic d2tfdGVzdA==", basic: "wk_test", user: "wk_test"},
		{header: "Basic Og==", basic: ":"},
		{header: "Basic d2tfdGVzdDo"},
		{header: "Basic !!"},
		{header: "Basic "},
		{header: "Bearer  token ", bearer: "token"},
		{header: "Bearer "},
		{header: "Digest x"},
		{query: "a=1&key=a%2Bb+c&key=2", parameter: "a+b c"},
		{query: "key", parameter: ""},
		{query: "xkey=1&key=%zz", parameter: "%zz"},
	} {
		r := httptest.NewRequest(http.MethodGet, "/?"+c.query, nil)
		if c.header != "" {
			r.Header.Set("Authorization", c.header)
			r.Header.Set("X-Key", c.header)
		}
		c.own = c.header
		for _, found := range []struct {
			name, want string
			read       func(scratch []byte) []byte
		}{
			{"Basic", c.basic, func(b []byte) []byte { return auth.Basic(r, b) }},
			{"User", c.user, func(b []byte) []byte { return auth.User(r, b) }},
			{"Bearer", c.bearer, func(b []byte) []byte { return auth.Bearer(r, b) }},
			{"Header", c.own, func(b []byte) []byte { return auth.Header(r, "X-Key", b) }},
			{"Query", c.parameter, func(b []byte) []byte { return auth.Query(r, "key", b) }},
		} {
			for _, scratch := range [][]byte{nil, []byte("before")} {
				if got := found.read(scratch); string(got) != found.want || (got == nil) != (found.want == "") {
					t.Errorf("%s of %q, %q: %q, want %q", found.name, c.header, c.query, got, found.want)
				}
			}
		}
	}
}

// Of two headers nobody knows which one is meant.
func TestSeveralHeaders(t *testing.T) {
	r := httptest.NewRequest(http.MethodGet, "/", nil)
	for _, value := range []string{"Basic d2tfdGVzdDo=", "Bearer token"} {
		r.Header.Add("Authorization", value)
		r.Header.Add("X-Key", value)
	}
	if auth.Basic(r, nil) != nil || auth.Bearer(r, nil) != nil || auth.Header(r, "X-Key", nil) != nil {
		t.Error("one of several headers is believed")
	}
}
