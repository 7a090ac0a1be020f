package reset

import (
	"slices"
	"strings"
	"testing"

	"touchline.dev/schemas/topics"
	"touchline.dev/services/internal/checkpoint"
)

const remake = "remake profiles.fragments.v1; remake profiles.persons.v1"

func TestDiagnose(t *testing.T) {
	pending := func(lo, hi int64) func(*Commit) {
		return func(c *Commit) {
			c.Offset, c.State.Mark, c.State.Pending = lo, lo-11, &checkpoint.Intent{Shares: []checkpoint.Share{{Lo: lo, Hi: hi, Mark: lo - 11, Cut: hi - 11}}}
		}
	}
	for _, tt := range []struct {
		name    string
		trouble func(f Facts)
		want    string
		refused string
		options Options
	}{
		{name: "nothing is wrong", trouble: func(Facts) {}},
		{
			name:    "raw made again, nothing waits",
			trouble: func(f Facts) { f.recreate(topics.Raw) },
			want: "enricher 0/-1 epoch 110; land-touchpoints 110/99 turn 110 from R to -1; " +
				"scorer 110/99 epoch 7 turn 110 from R to -1",
		},
		{
			name: "raw made again while records of the dense log have not landed, one chunk half inserted",
			trouble: func(f Facts) {
				f.recreate(topics.Raw)
				f.change(topics.GroupTouchpoints, pending(90, 94))
				f.Tables.Landed[Place{"R", 0}] = Landed{79, 83}
			},
			want: "enricher 0/-1 epoch 110; land-touchpoints 90/79 turn 110 from R to -1 pending; " +
				"scorer 110/99 epoch 7 turn 110 from R to -1",
		},
		{
			name: "raw made again, and the old offset written into the new one by a service that was still running",
			trouble: func(f Facts) {
				f.recreate(topics.Raw)
				f.change(topics.GroupEnricher, func(c *Commit) { *c = sound().Groups[topics.GroupEnricher].Commits[0] })
			},
			want: "enricher 0/-1 epoch 110; land-touchpoints 110/99 turn 110 from R to -1; " +
				"scorer 110/99 epoch 7 turn 110 from R to -1",
		},
		{
			name:    "enriched made again",
			trouble: func(f Facts) { f.recreate(topics.Enriched) },
			want:    "enricher 10/-1; land-touchpoints 0/99; scorer 0/99 rebuild; persons 0/-1 epoch 1 rebuild; " + remake + "; note E2",
		},
		{
			name: "enriched made again, the scorer's commit is there",
			trouble: func(f Facts) {
				f.recreate(topics.Enriched)
				f.change(topics.GroupScorer, func(c *Commit) { *c = sound().Groups[topics.GroupScorer].Commits[0] })
			},
			want: "enricher 10/-1; land-touchpoints 0/99; scorer 0/99 epoch 7; note E2",
		},
		{
			name: "enriched made again while raw has lost what did not land",
			trouble: func(f Facts) {
				f.recreate(topics.Enriched)
				f.Tables.Landed[Place{"R", 0}] = Landed{4, 4}
			},
			want: "enricher 5/-1; land-touchpoints 0/4; scorer 0/4 rebuild; persons 0/-1 epoch 1 rebuild; " + remake + "; note E2",
		},
		{
			name: "all made again: the broker's data was lost",
			trouble: func(f Facts) {
				for name := range f.Topics {
					f.recreate(name)
				}
				f.Tables.Last[0] = "R"
			},
			want: "enricher 0/-1; land-touchpoints 0/-1; scorer 0/-1 rebuild; persons 0/-1 rebuild; land-scores 0/-1; note E2; note S2",
		},
		{
			name:    "fragments made again",
			trouble: func(f Facts) { f.recreate(topics.Fragments) },
			want:    "scorer 110/99 epoch 7 rebuild; persons 0/-1 epoch 1 rebuild; " + remake,
		},
		{
			name:    "persons made again",
			trouble: func(f Facts) { f.recreate(topics.Persons) },
			want:    "scorer 110/99 epoch 7 rebuild; persons 0/-1 rebuild; " + remake,
		},
		{
			name:    "scores made again",
			trouble: func(f Facts) { f.recreate(topics.Scores) },
			want:    "persons 0/-1 epoch 1; land-scores 0/-1; note S2",
		},
		{
			name:    "the enricher's offset lost",
			trouble: func(f Facts) { f.lose(topics.GroupEnricher) },
			want:    "enricher 100/-1",
		},
		{
			name: "the enricher's offset lost while readers are behind",
			trouble: func(f Facts) {
				f.lose(topics.GroupEnricher)
				f.commit(topics.GroupScorer, 70, checkpoint.State{Mark: 60})
			},
			want: "enricher 61/-1",
		},
		{
			name:    "the landing's offset lost",
			trouble: func(f Facts) { f.lose(topics.GroupTouchpoints) },
			want:    "land-touchpoints 20/99",
		},
		{
			name:    "the landing's offset lost with half a chunk in the tables",
			trouble: func(f Facts) { f.lose(topics.GroupTouchpoints); f.Tables.Landed[Place{"R", 0}] = Landed{70, 75} },
			refused: "a chunk is half inserted",
			want:    "enricher 76/-1; land-touchpoints 20/75",
		},
		{
			name:    "the same, to be left",
			trouble: func(f Facts) { f.lose(topics.GroupTouchpoints); f.Tables.Landed[Place{"R", 0}] = Landed{70, 75} },
			options: Options{AbandonIntents: true},
			want:    "enricher 76/-1; land-touchpoints 20/75",
		},
		{
			name:    "the scorer's offset lost",
			trouble: func(f Facts) { f.lose(topics.GroupScorer) },
			want:    "scorer 110/99 rebuild; persons 0/-1 epoch 1 rebuild; " + remake,
		},
		{
			name:    "the offset of persons lost",
			trouble: func(f Facts) { f.lose(topics.GroupPersons) },
			want:    "persons 0/-1 rebuild",
		},
		{
			name:    "the offset of the landing of scores lost: it reads them again by itself",
			trouble: func(f Facts) { f.lose(topics.GroupScores) },
		},
		{
			name: "all offsets lost",
			trouble: func(f Facts) {
				for g := range f.Groups {
					f.lose(g)
				}
			},
			want: "enricher 100/-1; land-touchpoints 20/99; scorer 20/99 rebuild; persons 0/-1 rebuild; " + remake,
		},
		{
			name: "enriched expired before it landed",
			trouble: func(f Facts) {
				f.commit(topics.GroupTouchpoints, 15, checkpoint.State{Mark: 8})
				f.Tables.Landed[Place{"R", 0}] = Landed{8, 8}
			},
			want: "enricher 9/-1; land-touchpoints 20/8",
		},
		{
			name: "all of enriched expired before it landed",
			trouble: func(f Facts) {
				f.Topics[topics.Enriched].Partitions[0].Start, f.Answered[0] = 110, None
				f.commit(topics.GroupTouchpoints, 95, checkpoint.State{Mark: 88})
				f.Tables.Landed[Place{"R", 0}] = Landed{88, 88}
			},
			want: "enricher 10/-1; land-touchpoints 110/88",
		},
		{
			name:    "enriched expired before it was folded",
			trouble: func(f Facts) { f.commit(topics.GroupScorer, 15, checkpoint.State{Mark: 8}) },
			want:    "scorer 110/99 rebuild; persons 0/-1 epoch 1 rebuild; " + remake,
		},
		{
			name:    "scores expired before they landed",
			trouble: func(f Facts) { f.commit(topics.GroupScores, 3, checkpoint.State{Mark: None}) },
			want:    "persons 0/-1 epoch 1; land-scores 5/-1",
		},
		{
			name:    "raw expired: the enricher notes it by itself",
			trouble: func(f Facts) { f.commit(topics.GroupEnricher, 7, checkpoint.State{Mark: None}); f.Answered[0] = 6 },
		},
		{
			name:    "enriched lost its end behind the readers",
			trouble: func(f Facts) { f.Topics[topics.Enriched].Partitions[0].End = 100; f.Answered[0] = 89 },
			want:    "enricher 90/-1; land-touchpoints 100/99; scorer 100/99 epoch 7",
		},
		{
			name: "enriched lost its end before the readers came there",
			trouble: func(f Facts) {
				f.Topics[topics.Enriched].Partitions[0].End, f.Answered[0] = 100, 89
				f.commit(topics.GroupTouchpoints, 80, checkpoint.State{Mark: 70})
				f.commit(topics.GroupScorer, 85, checkpoint.State{Mark: 75})
				f.Tables.Landed[Place{"R", 0}] = Landed{70, 70}
			},
			want: "enricher 71/-1",
		},
		{
			name:    "raw lost its end",
			trouble: func(f Facts) { f.Topics[topics.Raw].Partitions[0].End = 95 },
			want: "enricher 0/-1 epoch 110; land-touchpoints 110/99 turn 110 from R to -1; " +
				"scorer 110/99 epoch 7 turn 110 from R to -1; remake touchpoints.raw.v1",
		},
		{
			name: "the broker was put back from a copy, older than the tables",
			trouble: func(f Facts) {
				f.Topics[topics.Raw].Partitions[0].End = 80
				f.Topics[topics.Enriched].Partitions[0].End, f.Answered[0] = 85, 77
				f.commit(topics.GroupEnricher, 78, checkpoint.State{Mark: None})
				f.commit(topics.GroupTouchpoints, 84, checkpoint.State{Mark: 76})
				f.commit(topics.GroupScorer, 83, checkpoint.State{Mark: 75})
			},
			options: Options{AbandonUnread: true},
			want: "enricher 0/-1 epoch 85; land-touchpoints 84/99 turn 85 from R to -1; " +
				"scorer 84/99 turn 85 from R to -1 rebuild; persons 0/-1 epoch 1 rebuild; remake touchpoints.raw.v1; " + remake,
		},
		{
			name:    "scores lost their end",
			trouble: func(f Facts) { f.Topics[topics.Scores].Partitions[0].End = 30 },
			want:    "persons 0/-1 epoch 1; land-scores 30/40",
		},
		{
			name:    "persons lost their end",
			trouble: func(f Facts) { f.Topics[topics.Persons].Partitions[0].End = 30 },
			want:    "scorer 110/99 epoch 7 rebuild; persons 0/-1 epoch 1 rebuild; " + remake,
		},
		{
			name: "commits of a form that this release cannot read",
			trouble: func(f Facts) {
				for g := range f.Groups {
					f.change(g, func(c *Commit) { *c = Commit{Offset: c.Offset, Unreadable: "version 9"} })
				}
			},
			want: "enricher 100/-1; land-touchpoints 20/99; scorer 20/99 rebuild; persons 0/-1 rebuild; land-scores 5/-1; " + remake,
		},
		{
			name: "a chunk that cannot be finished, of which nothing is in the tables",
			trouble: func(f Facts) {
				f.change(topics.GroupTouchpoints, pending(105, 115))
				f.Tables.Landed[Place{"R", 0}] = Landed{94, 94}
			},
			want: "enricher 95/-1; land-touchpoints 105/94",
		},
		{
			name: "a chunk that cannot be finished, and is in the tables",
			trouble: func(f Facts) {
				f.change(topics.GroupTouchpoints, pending(105, 115))
			},
			want: "land-touchpoints 105/99",
		},
		{
			name: "a chunk that was left half inserted for too long",
			trouble: func(f Facts) {
				f.change(topics.GroupTouchpoints, pending(105, 108))
				f.Groups[topics.GroupTouchpoints].Commits[0].State.Pending.At = -11 * 60_000
				f.Tables.Landed[Place{"R", 0}] = Landed{94, 96}
			},
			refused: "if its service cannot finish it",
			want:    "land-touchpoints 105/96",
		},
		{
			name: "the same, to be left",
			trouble: func(f Facts) {
				f.change(topics.GroupTouchpoints, pending(105, 108))
				f.Groups[topics.GroupTouchpoints].Commits[0].State.Pending.At = -11 * 60_000
				f.Tables.Landed[Place{"R", 0}] = Landed{94, 96}
			},
			options: Options{AbandonIntents: true},
			want:    "land-touchpoints 105/96",
		},
		{
			name:    "ClickHouse was put back from a backup",
			trouble: func(f Facts) { f.Tables.Landed[Place{"R", 0}] = Landed{80, 79} },
			want:    "land-touchpoints 20/80; persons 0/-1 epoch 1",
		},
		{
			name: "ClickHouse is empty",
			trouble: func(f Facts) {
				clear(f.Tables.Landed)
				clear(f.Tables.Known)
			},
			want: "land-touchpoints 20/-1; persons 0/-1 epoch 1",
		},
		{
			name: "a chunk that the service finishes",
			trouble: func(f Facts) {
				f.change(topics.GroupTouchpoints, pending(105, 108))
				f.lose(topics.GroupScorer)
			},
			refused: "finishes it by itself",
			want:    "scorer 105/94 rebuild; persons 0/-1 epoch 1 rebuild; " + remake,
		},
		{
			name: "the same in one process, which cannot start",
			trouble: func(f Facts) {
				f.change(topics.GroupTouchpoints, pending(105, 108))
				f.lose(topics.GroupScorer)
			},
			options: Options{OneProcess: true},
			want:    "scorer 105/94 rebuild; persons 0/-1 epoch 1 rebuild; " + remake,
		},
		{
			name: "the same in a service that cannot start",
			trouble: func(f Facts) {
				f.change(topics.GroupTouchpoints, pending(105, 108))
				f.lose(topics.GroupEnricher)
			},
			want: "enricher 95/-1",
		},
		{
			name: "a member",
			trouble: func(f Facts) {
				f.lose(topics.GroupPersons)
				g := f.Groups[topics.GroupEnricher]
				g.State = "Stable"
				f.Groups[topics.GroupEnricher] = g
			},
			refused: "group touchline-enricher is in use (Stable)",
			want:    "persons 0/-1 rebuild",
		},
		{
			name:    "a topic that does not exist",
			trouble: func(f Facts) { delete(f.Topics, topics.Persons) },
			refused: "touchline topics apply",
		},
		{
			name: "raw made again twice, and nothing written in between",
			trouble: func(f Facts) {
				f.recreate(topics.Raw)
				for _, g := range []string{topics.GroupTouchpoints, topics.GroupScorer} {
					f.change(g, func(c *Commit) {
						c.Offset = 100
						c.State.Turn = &checkpoint.Turn{At: 110, Source: "Q", Mark: None}
					})
				}
				f.Tables.Landed[Place{"Q", 0}] = Landed{99, 99}
			},
			want: "enricher 0/-1 epoch 110; land-touchpoints 100/99 turn 110 from Q to -1; " +
				"scorer 100/99 epoch 7 turn 110 from Q to -1",
		},
	} {
		t.Run(tt.name, func(t *testing.T) {
			f := sound()
			tt.trouble(f)
			p := Diagnose(f, tt.options)
			if got := p.written(); got != tt.want {
				t.Errorf("writes\n%s, want\n%s", got, tt.want)
			}
			refused := strings.Join(p.Refused, "\n")
			if (refused != "") != (tt.refused != "") || !strings.Contains(refused, tt.refused) {
				t.Errorf("refuses %q, want %q", refused, tt.refused)
			}
			for _, one := range p.writes() {
				if len(one.Wrong) == 0 && !one.Write.State.Rebuild {
					t.Errorf("%s is written without a word why", one.Group)
				}
			}
			if tt.refused != "" {
				return
			}
			// What was written is as it should be.
			f.take(p)
			if again := Diagnose(f, Options{}); !again.Sound() || len(again.Refused) > 0 {
				t.Errorf("after it: %s %v", again.written(), again.Refused)
			}
		})
	}
}

// However far a run came before it was cut off, the next one ends with the same.
func TestDiagnose_finishesWhatWasCutOff(t *testing.T) {
	for name := range sound().Topics {
		f := sound()
		f.recreate(name)
		whole := Diagnose(f, Options{})
		f.take(whole)
		want := f.Groups
		for cut := range len(whole.writes()) + 1 {
			f := sound()
			f.recreate(name)
			part := whole
			part.Note = nil
			part.Findings = slices.Clone(whole.writes()[:cut])
			f.take(part)
			f.take(Diagnose(f, Options{}))
			for group, g := range f.Groups {
				have, want := g.Commits[0], want[group].Commits[0]
				if have.Offset > want.Offset || have.State.Mark != want.State.Mark || have.State.Rebuild != want.State.Rebuild {
					t.Errorf("%s made again, cut off after %d: %s has %d %+v, want %d %+v", name, cut, group, have.Offset, have.State, want.Offset, want.State)
				}
			}
			if again := Diagnose(f, Options{}); !again.Sound() {
				t.Errorf("%s made again, cut off after %d: left over: %s", name, cut, again.written())
			}
		}
	}
}
