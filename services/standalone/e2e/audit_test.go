package e2e_test

import (
	"fmt"
	"testing"
	"time"
)

// audit waits until everything accepted has its place, and compares the tables
// with what the clients know.
func audit(t *testing.T, d deployment, project string, j *journal) {
	t.Helper()
	drain(t, d, 2*time.Minute)
	sent, acked, failed := j.sets()
	stored := auditRows(t, d, project, sent, acked)
	auditViews(t, d, stored)
	found := readDense(t, d)
	if found.outcomes["stored"] != stored {
		t.Errorf("%d rows, the dense log says %v", stored, found.outcomes)
	}
	if found.outcomes["stored"]+found.outcomes["duplicate"] != found.raw {
		t.Errorf("%d raw records became %v", found.raw, found.outcomes)
	}
	auditProfiles(t, d)
	if n := mustCount(t, d.writer(), "SELECT count() FROM touchline.rejected"); n > 0 {
		t.Errorf("%d events were rejected", n)
	}
	t.Logf("%d events sent, %d acknowledged, %d posts failed; %d rows, %d raw records became %v, %d repeats in the dense log",
		len(sent), len(acked), failed, stored, found.raw, found.outcomes, found.repeats)
}

// auditRows checks that acknowledged ⊆ rows ⊆ sent and that no event is two rows.
func auditRows(t *testing.T, d deployment, project string, sent, acked map[string]bool) (stored int) {
	t.Helper()
	type row struct {
		ID         string `json:"message_id"`
		EventID    string `json:"event_id"`
		Properties string `json:"properties"`
	}
	rows := mustSelect[row](t, d.bi(), "SELECT message_id, event_id, properties FROM analytics.touchpoints WHERE project = {project:String}",
		map[string]string{"project": project})
	ids, eventIDs := map[string]bool{}, map[string]bool{}
	doubled, strange, mixed := 0, 0, 0
	for _, r := range rows {
		if ids[r.ID] || eventIDs[r.EventID] {
			doubled++
		}
		ids[r.ID], eventIDs[r.EventID] = true, true
		if !sent[r.ID] {
			strange++
		}
		if r.Properties != fmt.Sprintf(`{"id":%q}`, r.ID) {
			mixed++
		}
	}
	var missing []string
	for id := range acked {
		if !ids[id] {
			missing = append(missing, id)
		}
	}
	if len(missing) > 0 {
		t.Errorf("%d acknowledged events have no row: %q", len(missing), missing[:min(5, len(missing))])
	}
	if doubled+strange+mixed > 0 {
		t.Errorf("of %d rows %d are doubled, %d were never sent, %d are mixed up", len(rows), doubled, strange, mixed)
	}
	if len(acked) == 0 {
		t.Error("nothing was acknowledged")
	}
	return len(rows)
}

// auditViews checks that the tables which views fill agree with the rows.
func auditViews(t *testing.T, d deployment, stored int) {
	t.Helper()
	for _, sql := range []string{
		"SELECT count() FROM touchline.touchpoints",
		"SELECT uniqExact(project, event_id) FROM touchline.touchpoints",
		"SELECT uniqExact(src_partition, src_offset) FROM touchline.touchpoints",
		"SELECT sum(events) FROM touchline.landed",
		"SELECT sum(events) FROM touchline.person_first WHERE event = ''",
		"SELECT sum(events) FROM touchline.person_first WHERE event != ''",
		"SELECT sum(events) FROM touchline.person_days WHERE event = ''",
		"SELECT sum(events) FROM touchline.person_days WHERE event != ''",
	} {
		if n := mustCount(t, d.writer(), sql); n != stored {
			t.Errorf("%s = %d, want %d", sql, n, stored)
		}
	}
}

// auditProfiles checks that each person's profile counts that person's rows: the
// scorer has applied every event once.
func auditProfiles(t *testing.T, d deployment) {
	t.Helper()
	const sql = `
		SELECT countIf(rows != profiled) AS wrong, sum(rows) AS counted
		FROM (
			SELECT project, person_id, sum(n) AS rows, sum(m) AS profiled FROM (
				SELECT project, person_id, count() AS n, 0 AS m FROM touchline.touchpoints WHERE NOT is_bot GROUP BY project, person_id
				UNION ALL
				SELECT project, person_id, 0 AS n, events AS m FROM touchline.profiles FINAL
			) GROUP BY project, person_id
		)`
	type result struct {
		Persons int `json:"wrong"`
		Rows    int `json:"counted"`
	}
	found := mustSelect[result](t, d.writer(), sql, nil)
	if found[0].Persons > 0 || found[0].Rows == 0 {
		t.Errorf("%d persons have another number of rows than their profiles count, of %d rows", found[0].Persons, found[0].Rows)
	}
	if scored, profiled := mustCount(t, d.writer(), "SELECT count() FROM touchline.scores FINAL"),
		mustCount(t, d.writer(), "SELECT count() FROM touchline.profiles FINAL"); scored != profiled {
		t.Errorf("%d scores for %d profiles", scored, profiled)
	}
}
