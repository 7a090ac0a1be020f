package kafka

import "testing"

// One partition with a backlog is asked for when it runs low, and not while it has
// enough only because the others have nothing to read: it would end up paused.
func TestFetcher_hunger(t *testing.T) {
	const low = minShare / 4
	type part struct {
		bytes     int
		next, end int64
	}
	idle, behind, fed := part{0, 9, 9}, part{low - 1, 5, 9}, part{low, 5, 9}
	for name, c := range map[string]struct {
		parts []part
		want  hunger
	}{
		"nothing is started":          {nil, hungry},
		"all at the end":              {[]part{idle, idle}, hungry},
		"all have enough":             {[]part{fed, fed}, sated},
		"one is low and behind":       {[]part{fed, behind, fed}, hungry},
		"a backlog beside idle ones":  {[]part{idle, fed, idle}, curious},
		"the same, and it runs low":   {[]part{idle, behind, idle}, hungry},
		"one has just been started":   {[]part{fed, {}}, curious},
		"low, at the end, by itself":  {[]part{{1, 9, 9}}, hungry},
		"enough, though it is at end": {[]part{{low, 9, 9}}, sated},
	} {
		f := &fetcher{started: map[int32]*Partition{}, hungry: make(chan struct{}, 1)}
		f.divide()
		for i, p := range c.parts {
			f.started[int32(i)] = &Partition{next: p.next, end: p.end, queue: queue{bytes: p.bytes}}
		}
		if got := f.hunger(); got != c.want {
			t.Errorf("%s: %d, want %d", name, got, c.want)
		}
	}
}
