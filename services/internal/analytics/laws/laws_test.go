package laws

import (
	"cmp"
	"slices"
	"testing"

	"touchline.dev/services/internal/analytics"
	"touchline.dev/services/internal/analytics/oracle"
)

// In which order, in how many blocks and how often events arrive, and when persons are
// merged, changes no answer.
func TestOrderOfArrivalChangesNothing(t *testing.T) {
	s := newStreams(t)
	list := questions(t, s, oracle.Questions(t, 2))
	rising := func(a, b analytics.Event) int { return cmp.Compare(a.Time, b.Time) }
	falling := func(a, b analytics.Event) int { return cmp.Compare(b.Time, a.Time) }
	load := func(a oracle.Arrival, late bool) map[string]map[string]answer {
		w := oracle.New(t)
		s.storeOthers(t, w, late)
		w.LoadAs(t, s.r, s.projects, a)
		return ask(t, w.BI, list)
	}
	onOneDay(t, func() []string {
		want := load(oracle.Arrival{Order: rising, Blocks: 6}, false)
		// Every event that lies further back is late here.
		have := load(oracle.Arrival{Order: falling, Blocks: 25, Again: true, PersonsFirst: true, Merged: true}, true)
		return append(differences(list, have, want), silent(list, want)...)
	})
}

// silent names the objects without a single row, of which a law says nothing.
func silent(list []question, answers map[string]map[string]answer) (found []string) {
	rows := map[string]uint64{}
	for _, q := range list {
		for _, a := range answers[q.sql] {
			rows[q.object] += a.rows
		}
		rows[q.object] += 0
	}
	for object, n := range rows {
		if n == 0 {
			found = append(found, object+": has no rows: the test needs some")
		}
	}
	return found
}

// unmoved are the objects in which no persons are counted or unified.
func unmoved() []string {
	return []string{
		"catalog", "freshness", "ledger", "ledger_reasons", "rejected",
		// They show what the scorer stored of each person, under the id that it had.
		"profiles", "scores",
	}
}

// Merging persons changes what counts persons. Taking the merges back restores every
// number, whether the link of a device or an override had made them.
func TestMergeThenSplitRestoresEveryNumber(t *testing.T) {
	s := newStreams(t)
	list := questions(t, s, oracle.Questions(t, 1))
	onOneDay(t, func() []string {
		w := oracle.New(t)
		s.storeOthers(t, w, false)
		w.Load(t, s.r, s.apart())
		before := ask(t, w.BI, list)
		w.Override(t, s.projects)
		found := stayed(list, before, ask(t, w.BI, list))
		w.Split(t, s.projects)
		return append(found, differences(list, ask(t, w.BI, list), before)...)
	})
}

// stayed names the objects none of whose answers changed although they count persons,
// and those that changed although they do not.
func stayed(list []question, before, after map[string]map[string]answer) (found []string) {
	moved := map[string]bool{}
	for _, q := range list {
		moved[q.object] = moved[q.object] || len(differences([]question{q}, after, before)) > 0
	}
	for object, m := range moved {
		if m == slices.Contains(unmoved(), object) {
			found = append(found, object+": merging persons changed nothing, or something where no persons are counted")
		}
	}
	return found
}
