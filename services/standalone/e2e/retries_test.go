package e2e_test

import (
	"encoding/json"
	"fmt"
	"testing"
	"time"
)

const retryProjects = "projects: [{id: shop, write_keys: [wk_shop]}, {id: blog, write_keys: [wk_blog]}]\n"

// TestRetries sends a batch three times: as an SDK does that missed the answer, a
// second later, and after everything was restarted.
func TestRetries(t *testing.T) {
	each(t, retryProjects, func(t *testing.T, d deployment) {
		const events = 40
		body := retryBatch(t, events)
		retry := func(key string) {
			t.Helper()
			post(t, d, key, "/v1/batch", body).want(t, 200, success)
		}
		retry("wk_shop")
		first := time.Now()
		before := rowsOf(t, d, "shop", events)
		time.Sleep(time.Until(first.Add(time.Second))) // as the SDK waits before it sends again
		retry("wk_shop")
		drain(t, d, landTime)
		d.stop(t)
		d.start(t)
		retry("wk_shop")
		retry("wk_blog") // the same ids are other events in another project
		drain(t, d, landTime)

		after := rowsOf(t, d, "shop", events)
		for i := range after {
			// The first receipt counts: no retry moves an event's time.
			b, a := before[i], after[i]
			if b.EventID != a.EventID || b.EventTime != a.EventTime || b.ReceiptID != a.ReceiptID {
				t.Errorf("%s of %s, received as %s, has become %s of %s, received as %s", b.EventID, b.EventTime, b.ReceiptID, a.EventID, a.EventTime, a.ReceiptID)
			}
		}
		own := map[string]bool{}
		for _, r := range append(rowsOf(t, d, "blog", events), after...) {
			own[r.Project+" "+r.MessageID] = true
		}
		if len(own) != 2*events {
			t.Errorf("%d messages in both projects, want %d", len(own), 2*events)
		}
		found := readDense(t, d)
		if found.raw != 4*events || found.outcomes["stored"] != 2*events || found.outcomes["duplicate"] != 2*events {
			t.Errorf("%d raw records became %v", found.raw, found.outcomes)
		}
		auditViews(t, d, 2*events)
	})
}

// retryBatch has ids of both kinds, and two events without a timestamp, whose
// time is that of the first receipt.
func retryBatch(t *testing.T, events int) string {
	t.Helper()
	var list []map[string]any
	for i := range events {
		e := map[string]any{"type": "track", "event": "Hello", "anonymousId": fmt.Sprintf("device-%d", i%7), "messageId": fmt.Sprintf("message-%d", i)}
		if i%2 == 0 {
			e["messageId"] = fmt.Sprintf("6f9619ff-8b86-4011-b42d-00c04fc9%04d", i)
		}
		if i > 1 {
			e["timestamp"] = time.Now().Add(-time.Duration(i) * time.Hour).UTC().Format(time.RFC3339Nano)
		}
		list = append(list, e)
	}
	body, err := json.Marshal(map[string]any{"batch": list})
	if err != nil {
		t.Fatal(err)
	}
	return string(body)
}
