package visits

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/ClickHouse/clickhouse-go/v2/lib/driver"

	"touchline.dev/services/internal/analytics"
	"touchline.dev/services/internal/analytics/oracle"
)

const all = "project = '*', from = '2026-02-01', to = '2026-12-01'"

// The parts of an answer sum up to its whole, and rates lie where they can.
func TestSums(t *testing.T) {
	w, _, _ := loaded(t)
	for name, sql := range map[string]string{
		"values of sessions add up to all sessions": `
			SELECT project, sum(sessions) AS have, (SELECT 1) FROM analytics.sessions_daily(` + all + `, granularity = 'day', by = 'country', top = 1) GROUP BY project
			HAVING (project, have) NOT IN (SELECT project, toInt64(count()) FROM analytics.sessions(` + all + `) GROUP BY project)`,
		"values of acquisition add up to all persons": `
			SELECT project, touch, sum(persons) AS have FROM analytics.acquisition(` + all + `, by = 'source', top = 1) GROUP BY project, touch
			HAVING (project, have) NOT IN (SELECT project, max(active_persons) FROM analytics.engagement_features(` + all + `, match = 'event', features = []) GROUP BY project)`,
		"sessions with pages enter and leave once": `
			SELECT project, sum(entries) AS entered, sum(exits) AS left FROM analytics.pages(` + all + `, top = 1000) GROUP BY project
			HAVING entered != left`,
		"entries are views, bounces entries": `
			SELECT project, page FROM analytics.pages(` + all + `, top = 1000)
			WHERE entries > views OR exits > views OR bounces > entries OR visitors > views OR exit_rate > 1 OR bounce_rate > 1`,
		"a path goes on from its second item or ends there": `
			SELECT project, target, sum(paths) AS came, (SELECT 1) FROM analytics.paths(` + all + `, start = '', end = '', only = [], exclude = [], gap_seconds = 60, max_steps = 3, top = 1000)
			WHERE position = 1 AND target != '(end)' GROUP BY project, target
			HAVING (project, target, came) NOT IN (SELECT project, source, sum(paths) FROM analytics.paths(` + all + `, start = '', end = '', only = [], exclude = [], gap_seconds = 60, max_steps = 3, top = 1000) GROUP BY project, source)`,
	} {
		t.Run(name, func(t *testing.T) {
			wrong, err := oracle.Ask(t, w.BI, sql)
			if err != nil {
				t.Fatal(err)
			}
			for project, rows := range wrong {
				t.Errorf("%s: %v", project, rows)
			}
		})
	}
}

// Merging persons and splitting them again restores every answer, and between the two
// the answers differ.
func TestMergeThenSplitRestoresAll(t *testing.T) {
	w, r := oracle.New(t), oracle.Seed(t)
	projects := oracle.Random(t, r)
	apart := make([]oracle.Project, len(projects))
	for i, p := range projects {
		apart[i] = p
		apart[i].Overrides, apart[i].Superseded = map[uint64]uint64{}, nil
	}
	w.Load(t, r, apart)
	asked := map[string]string{}
	for _, view := range slices.Sorted(maps.Keys(randomQuestions)) {
		// Of a timeline, only a person with several ids has to do with merging.
		if view != "timeline" {
			asked[view] = wide(view, r).SQL("*")
		}
	}
	before := answers(t, w, asked)
	w.Override(t, projects)
	merged := answers(t, w, asked)
	w.Split(t, projects)
	after := answers(t, w, asked)
	for view := range asked {
		if slices.Equal(before[view], merged[view]) {
			t.Errorf("%s: merging changed nothing", view)
		}
		if !slices.Equal(before[view], after[view]) {
			t.Errorf("%s: splitting did not restore the answer", view)
		}
	}
}

// wide returns a question about all events.
func wide(view string, r *rand.Rand) question {
	from, to := oracle.Start.AddDate(0, 0, -2).UnixMilli(), oracle.End.UnixMilli()
	switch view {
	case "sessions":
		return sessions(analytics.SessionQuery{From: from, To: to})
	case "sessions_daily":
		return sessionDays(analytics.SessionDaysQuery{SessionQuery: analytics.SessionQuery{From: from, To: to}, Granularity: "week", Top: 3}, "country")
	case "timeline_of":
		return timelineOf("d-1")
	case "timeline_persons":
		return timelinePersons("d-1")
	case "paths":
		return paths(analytics.PathQuery{From: from, To: to, GapSeconds: 86400, MaxSteps: 5, Top: 50})
	case "pages":
		return pages(analytics.PageQuery{From: from, To: to, Top: 50})
	case "engagement":
		return engagement(analytics.EngagementQuery{From: from, To: to, Match: "event", Shown: "a", Clicked: "b", Top: 3}, "country")
	case "engagement_features":
		return features(analytics.FeatureQuery{From: from, To: to, Match: "event"})
	default:
		return acquisition(analytics.AcquisitionQuery{From: from, To: to, Top: 3}, key(r, touchValues))
	}
}

func answers(t *testing.T, w *oracle.World, asked map[string]string) map[string][]string {
	t.Helper()
	rows := map[string][]string{}
	for view, sql := range asked {
		byProject, err := oracle.Ask(t, w.BI, sql)
		if err != nil {
			t.Fatal(err)
		}
		for project, texts := range byProject {
			for _, text := range texts {
				rows[view] = append(rows[view], project+" "+text)
			}
		}
		slices.Sort(rows[view])
	}
	return rows
}

// The order and the blocks in which events arrive change nothing.
func TestOrderOfArrivalChangesNothing(t *testing.T) {
	r := oracle.Seed(t)
	projects := oracle.Random(t, r)
	asked := map[string]string{}
	for _, view := range slices.Sorted(maps.Keys(randomQuestions)) {
		asked[view] = randomQuestions[view](r, projects).SQL("*")
	}
	var first map[string][]string
	for range 2 {
		w := oracle.New(t)
		w.Load(t, r, projects)
		now := answers(t, w, asked)
		if first == nil {
			first = now
			continue
		}
		for view := range asked {
			if !slices.Equal(first[view], now[view]) {
				t.Errorf("%s: the answers differ", view)
			}
		}
	}
}

// A block that is repeated under its token after a crash counts once in all tables
// that materialized views fill.
func TestRepeatedBlockCountsOnce(t *testing.T) {
	w := oracle.New(t)
	sql := `INSERT INTO touchline.touchpoints (project, event, type, kind, person_id, event_time, day, received_at, session_id, source, url_path, acquisition_channel, src_topic, src_offset)
		SELECT 'p', 'page_view', 'page', 'page_view', 1, toDateTime64('2026-01-31 23:59:59', 3, 'UTC') + number, toDate('2026-01-31') + number, '2026-02-01 00:00:00', 7, 's', '/', 'Direct', 't', number
		FROM numbers(3) SETTINGS insert_deduplication_token = 'chunk'`
	for range 3 {
		if err := w.Writer.Exec(t.Context(), sql); err != nil {
			t.Fatal(err)
		}
	}
	have, err := oracle.Ask(t, w.BI, "SELECT project, events, pages FROM analytics.sessions(project = 'p', from = '2026-01-01', to = '2026-03-01')")
	if err != nil {
		t.Fatal(err)
	}
	oracle.Same(t, "sessions", have["p"], []string{"3 3"})
	if have, err = oracle.Ask(t, w.BI, "SELECT project, source, events FROM analytics.freshness"); err != nil {
		t.Fatal(err)
	}
	oracle.Same(t, "freshness", have["p"], []string{"s 3"})
}

// Newest event and receipt of each source, bots included, and their age.
func TestFreshness(t *testing.T) {
	w, _, projects := loaded(t)
	have, err := oracle.Ask(t, w.BI, `SELECT project, newest_event_time, newest_received_at, events,
		toBool(abs(event_age_seconds - (toUnixTimestamp64Milli(now64(3)) - toUnixTimestamp64Milli(newest_event_time)) / 1000) < 60),
		abs(receipt_age_seconds - event_age_seconds) FROM analytics.freshness`)
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range projects {
		newest := p.Events[0]
		for _, e := range p.Events {
			if e.Time > newest.Time {
				newest = e
			}
		}
		at := time.UnixMilli(newest.Time).UTC()
		oracle.Same(t, p.Name, have[p.Name], []string{oracle.Text(at, oracle.ReceivedAt(newest), len(p.Events), true, 90.0)})
	}
}

// The stages of kinds are the same in both places, and each kind has at most one.
func TestStagesEqualReference(t *testing.T) {
	w := oracle.New(t)
	var kinds, stages []string
	if err := w.Writer.QueryRow(t.Context(), "SELECT kinds, stages FROM touchline.visit_stages").Scan(&kinds, &stages); err != nil {
		t.Fatal(err)
	}
	if len(kinds) < 40 || len(kinds) != len(stages) {
		t.Fatalf("have %d kinds and %d stages", len(kinds), len(stages))
	}
	for i, kind := range kinds {
		if want := analytics.Stage(kind); stages[i] != want {
			t.Errorf("%s: have %s, want %s", kind, stages[i], want)
		}
		if slices.Index(kinds, kind) != i {
			t.Errorf("%s stands there twice", kind)
		}
	}
	if have := len(analytics.StagedKinds()); have != len(kinds) {
		t.Errorf("the reference has stages for %d kinds, the view for %d", have, len(kinds))
	}
}

// Hosts, and texts that hold the byte that separates texts in the table.
func TestHostsAndSeparators(t *testing.T) {
	w := oracle.New(t)
	type visit struct{ origin, path, device, referrer string }
	oracle.Insert(t, w.Writer, `touchline.touchpoints (project, event, type, kind, person_id, event_time, day, received_at, session_id,
		url_origin, url_path, device_type, referrer_origin, acquisition_channel, src_topic)`, []visit{
		{"https://user@Shop.example:8443", "/a\x01b/", "mob\x01ile", "https://www.Google.com"},
	}, func(batch driver.Batch, v visit) error {
		at := oracle.Start
		return batch.Append("p", "page_view", "page", "page_view", uint64(1), at, at, at, uint64(7), v.origin, v.path, v.device, v.referrer, "Referral", "t")
	})
	have, err := oracle.Ask(t, w.BI, fmt.Sprintf(`SELECT project, entry_host, entry_page, exit_page, device_type, referrer_host
		FROM analytics.sessions(project = 'p', %s)`, span(oracle.Start.UnixMilli(), oracle.End.UnixMilli())))
	if err != nil {
		t.Fatal(err)
	}
	oracle.Same(t, "sessions", have["p"], []string{"shop.example /a\x01b /a\x01b mobile www.google.com"})
}
