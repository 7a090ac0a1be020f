package collector_test

import (
	"context"
	"net/url"
	"path/filepath"
	"strings"
	"testing"

	"github.com/twmb/franz-go/pkg/kadm"

	"touchline.dev/schemas/topics"
)

// recordedSeeds calls add with every request of an SDK that is no preflight, and
// its query, as it matches one of the patterns, and returns how many there are.
func recordedSeeds(f *testing.F, sdk string, add func(r recorded, query string), patterns ...string) (n int) {
	f.Helper()
	for _, pattern := range patterns {
		files, err := filepath.Glob(filepath.Join(recordings, sdk, "*", pattern))
		if err != nil {
			f.Fatal(err)
		}
		for _, file := range files {
			var r recorded
			readJSON(f, file, &r)
			_, query, _ := strings.Cut(r.Target, "?")
			add(r, query)
			n++
		}
	}
	return n
}

// growth returns a function that says how many records came to the raw topic since
// it was called last.
func growth(f *testing.F, s *service) func() int64 {
	f.Helper()
	adm := kadm.NewClient(s.cluster.Client(f))
	end := func() (n int64) {
		offsets, err := adm.ListEndOffsets(context.Background(), topics.Raw)
		if err != nil {
			f.Fatal(err)
		}
		offsets.Each(func(o kadm.ListedOffset) { n += o.Offset })
		return n
	}
	before := end()
	return func() int64 {
		after := end()
		grown := after - before
		before = after
		return grown
	}
}

// isQuery reports whether text can stand in a request line as a query.
func isQuery(text string) bool {
	for _, c := range []byte(text) {
		if c <= ' ' || c == '#' || c == 0x7f {
			return false
		}
	}
	_, err := url.ParseRequestURI("/?" + text)
	return err == nil
}

// isHeader reports whether text can be the value of a header.
func isHeader(text string) bool {
	for _, c := range []byte(text) {
		if c < ' ' || c == 0x7f {
			return false
		}
	}
	return true
}
