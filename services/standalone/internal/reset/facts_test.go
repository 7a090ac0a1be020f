package reset

import (
	"fmt"
	"maps"
	"strings"

	"touchline.dev/schemas/topics"
	"touchline.dev/services/internal/checkpoint"
)

// sound is an installation of one partition in which all is as it should be: 100
// raw records were answered by 110 records of the dense log, and all have landed.
func sound() Facts {
	f := Facts{
		Topics: map[string]Topic{}, Groups: map[string]Group{}, Answered: []int64{99},
		Tables: Tables{
			Known:  map[string]string{topics.Enriched: "E", topics.Scores: "S"},
			Landed: map[Place]Landed{{"R", 0}: {99, 98}}, Last: map[int32]string{}, Events: 90,
		},
	}
	maps.Copy(f.Topics, map[string]Topic{
		topics.Raw: {ID: "R", Partitions: []Bounds{{10, 100}}}, topics.Enriched: {ID: "E", Partitions: []Bounds{{20, 110}}},
		topics.Fragments: {ID: "F", Partitions: []Bounds{{0, 50}}}, topics.Persons: {ID: "P", Partitions: []Bounds{{0, 60}}},
		topics.Scores: {ID: "S", Partitions: []Bounds{{5, 40}}},
	})
	f.commit(topics.GroupEnricher, 100, checkpoint.State{Mark: None})
	f.commit(topics.GroupTouchpoints, 110, checkpoint.State{Mark: 99})
	f.commit(topics.GroupScorer, 110, checkpoint.State{Mark: 99, Epoch: 7})
	f.commit(topics.GroupPersons, 60, checkpoint.State{Mark: None, Epoch: 1})
	f.commit(topics.GroupScores, 40, checkpoint.State{Mark: None})
	return f
}

func (f Facts) commit(group string, offset int64, s checkpoint.State) {
	s.Version, s.Topics = checkpoint.Version, map[string]string{}
	for _, name := range memberOf(group).depends {
		s.Topics[name] = f.Topics[name].ID
	}
	f.Groups[group] = Group{State: "Empty", Commits: []Commit{{Offset: offset, State: s}}}
}

// change alters what was committed.
func (f Facts) change(group string, how func(c *Commit)) { how(&f.Groups[group].Commits[0]) }

func (f Facts) lose(groups ...string) {
	for _, g := range groups {
		f.change(g, func(c *Commit) { *c = Commit{Offset: None} })
	}
}

// recreate makes a topic anew, empty; the broker drops what groups have committed
// for it.
func (f Facts) recreate(name string) {
	f.Topics[name] = Topic{ID: f.Topics[name].ID + "2", Partitions: []Bounds{{0, 0}}}
	for _, m := range members() {
		if m.topic == name {
			f.lose(m.group)
		}
	}
	if name == topics.Enriched {
		f.Answered[0] = None
	}
}

// written says what is written for each group: offset, mark and what else the
// state holds.
func (p Plan) written() string {
	var all []string
	for _, f := range p.writes() {
		w, s := f.Write, f.Write.State
		text := fmt.Sprintf("%s %d/%d", strings.TrimPrefix(f.Group, "touchline-"), w.Offset, s.Mark)
		if s.Epoch != 0 {
			text += fmt.Sprintf(" epoch %d", s.Epoch)
		}
		if t := s.Turn; t != nil {
			text += fmt.Sprintf(" turn %d from %s to %d", t.At, t.Source, t.Mark)
		}
		if s.Pending != nil {
			text += " pending"
		}
		if s.Rebuild {
			text += " rebuild"
		}
		all = append(all, text)
	}
	for _, name := range p.Remake {
		all = append(all, "remake "+name)
	}
	for _, name := range []string{topics.Enriched, topics.Scores} {
		if p.Note[name] != "" {
			all = append(all, "note "+p.Note[name])
		}
	}
	return strings.Join(all, "; ")
}

// take changes the facts as Apply changes the world.
func (f Facts) take(p Plan) {
	for _, name := range p.Remake {
		f.recreate(name)
	}
	for _, m := range members() {
		for _, one := range p.writes() {
			if one.Group == m.group {
				f.commit(m.group, one.Write.Offset, one.Write.State)
			}
		}
	}
	maps.Copy(f.Tables.Known, p.Note)
}
