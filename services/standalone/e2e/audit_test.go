package e2e_test

import (
	"encoding/hex"
	"fmt"
	"regexp"
	"slices"
	"testing"
	"time"
)

// finding fails the test with something that became of events and must not: one
// was lost, doubled, changed or not accounted for. The word at its beginning tells
// such a failure from all others.
func finding(t *testing.T, format string, args ...any) {
	t.Helper()
	t.Errorf(findingMark+format, args...)
}

const findingMark = "AUDIT: "

// audit waits until everything accepted has its place, and compares the tables
// with what the clients know, with the logs, and with the ledger.
func audit(t *testing.T, d deployment, j *journal) {
	t.Helper()
	drain(t, d, 3*time.Minute)
	stored := auditRows(t, d, j)
	rejected := auditRejected(t, d, j)
	auditViews(t, d, stored)
	found := readDense(t, d)
	if found.outcomes["stored"] != stored || found.outcomes["rejected"] != rejected {
		finding(t, "%d rows and %d rejections, the dense log says %v", stored, rejected, found.outcomes)
	}
	if stored+found.outcomes["duplicate"]+rejected != found.raw {
		finding(t, "%d raw records became %v", found.raw, found.outcomes)
	}
	auditProfiles(t, d)
	auditLedger(t, d, j, found)
	t.Logf("%s; %d rows, %d rejections, %d raw records, of which %d repeat a receipt, became %v, %d repeats in the dense log",
		j, stored, rejected, found.raw, found.again, found.outcomes, found.repeats)
}

// auditRows checks that every acknowledged event is one row, or as many as it was
// received where nothing tells its receipts apart, and that there is no other row.
func auditRows(t *testing.T, d deployment, j *journal) (stored int) {
	t.Helper()
	type row struct {
		Project    string `json:"project"`
		ID         string `json:"id"`
		MessageID  string `json:"message_id"`
		EventID    string `json:"event_id"`
		Properties string `json:"properties"`
	}
	rows := mustSelect[row](t, d.bi(), `SELECT project, JSONExtractString(properties, 'id') AS id, message_id, event_id, properties
		FROM analytics.touchpoints`, nil)
	known := j.all()
	counts, eventIDs := map[string]int{}, map[string]bool{}
	for _, r := range rows {
		counts[r.ID]++
		n := known[r.ID]
		switch {
		case n == nil || n.fate == refused:
			finding(t, "a row of %q, which was never sent", r.ID)
		case n.project != r.Project || n.properties != r.Properties || n.fate == once && r.MessageID != r.ID:
			finding(t, "the row of %q is mixed up: %+v", r.ID, r)
		case eventIDs[r.EventID]:
			finding(t, "two rows have the event id %s, one is that of %q", r.EventID, r.ID)
		}
		eventIDs[r.EventID] = true
	}
	compareCounts(t, "rows", known, counts, once, eachTime)
	return len(rows)
}

// auditRejected does the same for events that cannot be used. Receipts count: an
// embedded broker that was killed forgets what producers sent and may store a batch
// again, and what was rejected makes nothing later a duplicate. That each of these
// records has one row is what the comparison with the dense log shows.
func auditRejected(t *testing.T, d deployment, j *journal) (rejected int) {
	t.Helper()
	payloads := mustSelect[struct {
		Hex     string `json:"bytes"`
		Receipt string `json:"receipt"`
	}](t, d.bi(), "SELECT hex(payload) AS bytes, toString(receipt_id) AS receipt FROM analytics.rejected", nil)
	id := regexp.MustCompile(`"properties":\{.*"id":"([^"]*)"`)
	known := j.all()
	counts, receipts := map[string]int{}, map[string]bool{}
	for _, p := range payloads {
		payload, err := hex.DecodeString(p.Hex)
		if err != nil {
			t.Fatal(err)
		}
		match := id.FindSubmatch(payload)
		var n *noted
		if len(match) > 0 {
			n = known[string(match[1])]
		}
		if n == nil || n.fate != refused {
			finding(t, "rejected has what was never sent: %s", payload)
			continue
		}
		if !receipts[p.Receipt] {
			counts[n.id]++
		}
		receipts[p.Receipt] = true
	}
	compareCounts(t, "rejections", known, counts, refused)
	return len(payloads)
}

// compareCounts compares how often the events with these fates were found with
// what clients know. It shows a few of each sort.
func compareCounts(t *testing.T, what string, known map[string]*noted, counts map[string]int, fates ...fate) {
	t.Helper()
	var missing, doubled []string
	acked := 0
	for id, n := range known {
		if !slices.Contains(fates, n.fate) {
			continue
		}
		least, most := n.acks, n.posts
		if n.fate == once {
			least, most = min(1, least), 1
		}
		if n.acks > 0 {
			acked++
		}
		switch c := counts[id]; {
		case c < least:
			missing = append(missing, fmt.Sprintf("%s has %d", id, c))
		case c > most:
			doubled = append(doubled, fmt.Sprintf("%s has %d", id, c))
		}
	}
	if len(missing) > 0 {
		finding(t, "%d acknowledged events have fewer %s than acknowledged: %q", len(missing), what, missing[:min(5, len(missing))])
	}
	if len(doubled) > 0 {
		finding(t, "%d events have more %s than sent: %q", len(doubled), what, doubled[:min(5, len(doubled))])
	}
	if acked == 0 {
		t.Errorf("none of the events that become %s was acknowledged", what)
	}
}

// auditViews checks that the tables which views fill agree with the rows.
func auditViews(t *testing.T, d deployment, stored int) {
	t.Helper()
	for _, sql := range []string{
		"SELECT count() FROM touchline.touchpoints",
		"SELECT uniqExact(project, event_id) FROM touchline.touchpoints",
		"SELECT uniqExact(src_partition, src_offset) FROM touchline.touchpoints",
		"SELECT sum(events) FROM touchline.landed",
		"SELECT sum(events) FROM touchline.metric_days",
		"SELECT sum(events) FROM touchline.person_days WHERE event = ''",
		"SELECT sum(events) FROM touchline.person_days WHERE event != ''",
	} {
		if n := mustCount(t, d.writer(), sql); n != stored {
			finding(t, "%s = %d, want %d", sql, n, stored)
		}
	}
}
