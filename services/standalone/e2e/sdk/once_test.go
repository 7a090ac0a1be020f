//go:build sdks

package sdk_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/url"
	"slices"
	"testing"
	"time"
)

// TestOnce: every call of every SDK is one row, with what the call said.
func TestOnce(t *testing.T) {
	all := sdks(t)
	projects := projectsFile(all, "")
	s := newSite(t)
	db := s.tables(t, projects)
	collector := s.collector(t, "collector", projects)
	running := start(t, s.dir, all, scenario{Scenario: "visit", Wait: 1_000, Linger: 7_000}, func(*sdk) *url.URL { return collector })
	finish(t, running, 3*time.Minute)
	s.drain(t)
	for _, one := range all {
		t.Run(one.name, func(t *testing.T) {
			rows := stored(t, db, one)
			for _, r := range one.visit {
				rows = take(t, rows, r)
			}
			for _, r := range rows {
				if !slices.Contains(one.extra, r.Event) {
					t.Errorf("nobody sent %+v", r)
				}
			}
			for _, r := range query[struct{ Reason, Body string }](t, db, fmt.Sprintf("SELECT reason || ': ' || message AS Reason, substring(payload, 1, 300) AS Body FROM touchline.rejected WHERE project = '%s'", one.name)) {
				t.Errorf("rejected: %+v", r)
			}
			if !t.Failed() {
				t.Logf("%s %s: %d events landed once", one.pkg, one.version(t), len(one.visit))
			}
		})
	}
}

// stored returns what has landed of the SDK.
func stored(t *testing.T, db *database, s *sdk) []row {
	t.Helper()
	return query[row](t, db, fmt.Sprintf(`SELECT event AS Event, type AS Type, user_id AS User, anonymous_id AS Device,
		properties AS Properties, traits AS Traits, toString(revenue) AS Revenue, currency AS Currency, order_id AS "Order", utm_source AS Campaign
		FROM touchline.touchpoints WHERE project = '%s' AND protocol = '%s'`, s.name, s.protocol))
}

// take takes the row that is wanted away from those that are there. Where none is as
// wanted, it tells in what the first of its name differs.
func take(t *testing.T, rows []row, want row) []row {
	t.Helper()
	closest, differs := -1, ""
	for i, have := range rows {
		if have.Event != want.Event || have.Type != want.Type {
			continue
		}
		d := difference(t, have, want)
		if d == "" {
			return slices.Delete(rows, i, i+1)
		}
		if closest < 0 {
			closest, differs = i, d
		}
	}
	if closest < 0 {
		t.Errorf("%s (%s) is missing", want.Event, want.Type)
		return rows
	}
	t.Errorf("%s: %s", want.Event, differs)
	return slices.Delete(rows, closest, closest+1)
}

// difference tells what differs from what is wanted; "" when nothing does.
func difference(t *testing.T, have, want row) string {
	t.Helper()
	for _, f := range []struct{ name, have, want string }{
		{"user_id", have.User, want.User}, {"anonymous_id", have.Device, want.Device}, {"revenue", have.Revenue, want.Revenue},
		{"currency", have.Currency, want.Currency}, {"order_id", have.Order, want.Order}, {"utm_source", have.Campaign, want.Campaign},
	} {
		if f.want != "" && f.have != f.want && (f.want != some || f.have == "") {
			return fmt.Sprintf("%s is %q, want %q", f.name, f.have, f.want)
		}
	}
	for _, f := range []struct{ name, have, want string }{{"properties", have.Properties, want.Properties}, {"traits", have.Traits, want.Traits}} {
		if f.want != "" && !contains(decode(t, f.have), decode(t, f.want)) {
			return fmt.Sprintf("%s are %s, want at least %s", f.name, f.have, f.want)
		}
	}
	return ""
}

// decode reads JSON with its numbers as they are written. Nothing is null.
func decode(t *testing.T, text string) (v any) {
	t.Helper()
	if text == "" {
		return nil
	}
	decoder := json.NewDecoder(bytes.NewReader([]byte(text)))
	decoder.UseNumber()
	if err := decoder.Decode(&v); err != nil {
		t.Errorf("%s: %v", text, err)
	}
	return v
}

// contains reports whether a value is the other one, where objects may have more
// members.
func contains(have, want any) bool {
	switch want := want.(type) {
	case map[string]any:
		members, ok := have.(map[string]any)
		for name, value := range want {
			member, has := members[name]
			ok = ok && has && contains(member, value)
		}
		return ok
	case []any:
		list, ok := have.([]any)
		ok = ok && len(list) == len(want)
		for i := range want {
			ok = ok && contains(list[i], want[i])
		}
		return ok
	default:
		return have == want
	}
}
