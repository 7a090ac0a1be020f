package e2e_test

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	schema "touchline.dev/schemas/clickhouse"
)

// Every object of the database analytics answers about events that came through the
// whole pipeline: the demo's, with the examples of its own description. What makes
// no rows of the demo is named here with the reason.
func TestEveryObjectAnswers(t *testing.T) {
	t.Parallel() // it waits more than it works
	empty := map[string]string{
		"rejected":           "the demo's events are all usable",
		"engagement_default": "the demo shows no ads",
	}
	s := newSite(t, "projects: [{id: demo, write_keys: [demo], currency: EUR}]\n")
	d, ok := newStandalone(s).(*standalone)
	if !ok {
		t.Fatal("not a standalone deployment")
	}
	d.args = []string{"--demo"}
	t.Cleanup(d.kill)
	d.start(t)
	d.process.await(t, "live demo traffic begins")

	objects, err := schema.Objects()
	if err != nil {
		t.Fatal(err)
	}
	// Examples of ids are nobody's here.
	of := map[string]string{
		"id":        "(SELECT max(user_id) FROM analytics.touchpoints)",
		"person_id": "(SELECT max(person_id) FROM analytics.touchpoints WHERE NOT is_bot)",
	}
	for _, o := range objects {
		for i, p := range o.Params {
			o.Params[i].Example = cmp.Or(of[p.Name], p.Example)
		}
	}
	missing := map[string]string{}
	await(t, 2*time.Minute, "every object has rows", func() error {
		clear(missing)
		for _, o := range objects {
			n, err := count(d.bi(), "SELECT count() FROM "+o.Call())
			switch _, may := empty[o.Name]; {
			case err != nil:
				t.Fatalf("%s: %v", o.Name, err)
			case n == 0 && !may:
				missing[o.Name] = o.Call()
			}
		}
		if len(missing) == 0 {
			return nil
		}
		return fmt.Errorf("no rows: %q", slices.Sorted(maps.Keys(missing)))
	})

	// The columns that the objects need are filled in the way that people would fill
	// them by hand.
	for what, condition := range map[string]string{
		"every event has a kind":                 "kind = ''",
		"every event has a channel":              "channel = ''",
		"what a device looks at is in a session": "type IN ('page', 'screen') AND anonymous_id != '' AND session_id = ''",
		"revenue stands on orders and refunds":   "revenue != 0 AND kind NOT IN ('order', 'refund', 'subscription_renew', 'subscription_start')",
		"what is paid has a currency":            "revenue != 0 AND currency = ''",
		"campaigns have an acquisition channel":  "utm_campaign != '' AND acquisition_channel = ''",
	} {
		sql := "SELECT count() FROM analytics.touchpoints WHERE project = 'demo' AND " + condition
		if n, err := count(d.bi(), sql); err != nil || n != 0 {
			t.Errorf("%s: %d rows say otherwise, error %v", what, n, err)
		}
	}
	for column, least := range map[string]int{"kind": 6, "channel": 2, "acquisition_channel": 4, "session_id": 100, "currency": 1} {
		n, err := count(d.bi(), "SELECT uniqExact("+column+") FROM analytics.touchpoints WHERE project = 'demo' AND "+column+" != ''")
		if err != nil || n < least {
			t.Errorf("%s has %d values, want %d or more, error %v", column, n, least, err)
		}
	}
	if out := d.process.tail(); strings.Contains(out, `"level":"error"`) {
		t.Errorf("errors in the log:\n%s", out)
	}
	d.stop(t)
}
