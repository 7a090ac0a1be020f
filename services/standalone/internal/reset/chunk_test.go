package reset

import (
	"strings"
	"testing"

	"touchline.dev/schemas/topics"
	"touchline.dev/services/internal/checkpoint"
)

// twoPartitions is sound in two partitions, of which the second leads a chunk that
// both have a share of: the last five records of each.
func twoPartitions() Facts {
	f := sound()
	for name, t := range f.Topics {
		t.Partitions = append(t.Partitions, t.Partitions[0])
		f.Topics[name] = t
	}
	for name, g := range f.Groups {
		g.Commits = append(g.Commits, g.Commits[0])
		f.Groups[name] = g
	}
	f.Answered = append(f.Answered, f.Answered[0])
	f.Tables.Landed[Place{"R", 0}], f.Tables.Landed[Place{"R", 1}] = Landed{94, 94}, Landed{94, 94}
	share := checkpoint.Share{Lo: 105, Hi: 109, Mark: 94, Cut: 99}
	lead := share
	lead.Partition = 1
	commits := f.Groups[topics.GroupTouchpoints].Commits
	for i := range commits {
		commits[i].Offset, commits[i].State.Mark = 105, 94
	}
	commits[1].State.Pending = &checkpoint.Intent{Shares: []checkpoint.Share{lead, share}}
	return f
}

// A chunk is left to the services for as long as all of its shares can be read; when
// one cannot, none of its partitions goes on with it.
func TestDiagnose_aChunkOfTwoPartitions(t *testing.T) {
	for _, tt := range []struct {
		name    string
		trouble func(f Facts)
		options Options
		want    string
		refused string
	}{
		{name: "nothing is wrong", trouble: func(Facts) {}},
		{
			name:    "the follower's share left its log",
			trouble: func(f Facts) { f.Topics[topics.Enriched].Partitions[0] = Bounds{107, 110} },
			want:    "enricher 95/-1; enricher 95/-1; land-touchpoints 107/94; land-touchpoints 105/94",
		},
		{
			name: "the same, and it is half inserted",
			trouble: func(f Facts) {
				f.Topics[topics.Enriched].Partitions[0] = Bounds{107, 110}
				f.Tables.Landed[Place{"R", 1}] = Landed{94, 99}
			},
			want:    "enricher 95/-1; land-touchpoints 107/94; land-touchpoints 105/99",
			refused: "--abandon-intents takes what is there as landed",
		},
		{
			name: "the follower's rows are there for too long",
			trouble: func(f Facts) {
				f.Groups[topics.GroupTouchpoints].Commits[1].State.Pending.At = -11 * 60_000
				f.Tables.Landed[Place{"R", 0}] = Landed{94, 99}
			},
			options: Options{AbandonIntents: true},
			want:    "land-touchpoints 105/99; land-touchpoints 105/94",
		},
		{
			name: "the follower has gone past it",
			trouble: func(f Facts) {
				c := &f.Groups[topics.GroupTouchpoints].Commits[0]
				c.Offset, c.State.Mark = 110, 99
				f.Tables.Landed[Place{"R", 0}], f.Tables.Landed[Place{"R", 1}] = Landed{99, 99}, Landed{99, 99}
			},
		},
		{
			name:    "something else is wrong, and the chunk can be finished",
			trouble: func(f Facts) { f.Groups[topics.GroupScores].Commits[0].Offset = 99 },
			want:    "persons 0/-1 epoch 1; land-scores 40/99",
			refused: "the service finishes it by itself",
		},
	} {
		f := twoPartitions()
		tt.trouble(f)
		p := Diagnose(f, tt.options)
		if got := p.written(); got != tt.want {
			t.Errorf("%s: writes\n%s, want\n%s", tt.name, got, tt.want)
		}
		if refused := strings.Join(p.Refused, "\n"); !strings.Contains(refused, tt.refused) || refused != "" && tt.refused == "" {
			t.Errorf("%s: refused %q, want %q", tt.name, refused, tt.refused)
		}
	}
}
