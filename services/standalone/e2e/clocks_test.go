package e2e_test

import (
	"fmt"
	"testing"
	"time"
)

// TestClocks sends times that no clock should show. Each such event is stored
// with a time that can be true; what the SDK wrote is kept beside it.
func TestClocks(t *testing.T) {
	each(t, "projects: [{id: shop, write_keys: [k]}]\n", func(t *testing.T, d deployment) {
		began := time.Now().UTC()
		now := began.Format(time.RFC3339Nano)
		calls := []struct {
			timestamp, sentAt string // JSON
			original          string // as ClickHouse prints it; "" for none
			source            string
		}{
			{`"2199-01-01T00:00:00Z"`, `"` + now + `"`, "2199-01-01 00:00:00.000", "clamped"},
			// The column cannot hold these: the words stay in the context.
			{`"9999-12-31T23:59:59.999Z"`, `null`, "", "clamped"},
			{`"0001-01-01T00:00:00Z"`, `null`, "", "clamped"},
			{`"1960-05-05T05:05:05Z"`, `null`, "1960-05-05 05:05:05.000", "clamped"},
			{`"1970-01-01T00:00:00.000Z"`, `"1970-01-01T00:00:00.000Z"`, "1970-01-01 00:00:00.000", "corrected"},
			{`"2026-02-30T25:61:61Z"`, `null`, "", "receipt"},
			{`"yesterday"`, `"now"`, "", "receipt"},
			{`""`, `null`, "", "receipt"},
			{`{"seconds":1}`, `[]`, "", "receipt"},
			{`1e400`, `-0`, "", "receipt"},
			{`null`, `"` + now + `"`, "", "receipt"},
			{`"` + now + `"`, `null`, began.Truncate(time.Millisecond).Format(sqlLayout), "client"},
		}
		for i, c := range calls {
			body := fmt.Sprintf(`{"anonymousId":"d","event":"e","messageId":"m-%d","timestamp":%s,"sentAt":%s}`, i, c.timestamp, c.sentAt)
			post(t, d, "k", "/v1/track", body).want(t, 200, success)
		}
		rows := rowsOf(t, d, "shop", len(calls))
		for _, r := range rows {
			var i int
			if _, err := fmt.Sscanf(r.MessageID, "m-%d", &i); err != nil || i >= len(calls) {
				t.Fatalf("row of message %q", r.MessageID)
			}
			c := calls[i]
			if deref(r.OriginalTimestamp) != c.original || r.TimeSource != c.source {
				t.Errorf("timestamp %s, sent %s: original %q, %s; want %q, %s", c.timestamp, c.sentAt,
					deref(r.OriginalTimestamp), r.TimeSource, c.original, c.source)
			}
			at, err := time.Parse(sqlLayout, r.EventTime)
			if err != nil || at.After(time.Now()) || at.Before(began.AddDate(-20, 0, 0)) {
				t.Errorf("timestamp %s: event time %s (%v)", c.timestamp, r.EventTime, err)
			}
		}
	})
}
