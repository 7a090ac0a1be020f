package reset

import (
	"slices"

	"touchline.dev/schemas/topics"
	"touchline.dev/services/internal/checkpoint"
)

// enrich finds out how the writer of the dense log stands.
func (p *planner) enrich(i int32, landing, scorer reader) Finding {
	f := p.finding(topics.GroupEnricher, i)
	raw, dense, state := p.bounds(topics.Raw, i), p.bounds(topics.Enriched, i), f.Committed.State
	renewed := p.recreated(topics.Enriched) || p.renewed(&f, topics.Enriched)
	other := p.renewed(&f, topics.Raw) || landing.turn != nil && landing.Write != nil || scorer.turn != nil && scorer.Write != nil
	last, known := p.f.Answered[i], p.f.Answered[i] != None
	need := min(landing.need(), scorer.need())
	switch {
	case f.Committed.Offset == None:
		if renewed {
			f.wrong("%s was deleted and made again, or the broker's data was lost", topics.Enriched)
		} else if dense.End > 0 {
			f.wrong("the group has lost its offset")
		}
	case !f.readable():
		f.wrong("%s", f.Committed.Unreadable)
	case renewed:
		f.wrong("%s was deleted and made again, or the broker's data was lost", topics.Enriched)
	case p.renewed(&f, topics.Raw):
		f.wrong("%s", p.renewal(&f, topics.Raw))
	case p.rawCut && (f.Committed.Offset > 0 || dense.End > 0):
		f.wrong("the log ends at %d: it has lost its end", raw.End)
	case known && dense.End > int64(state.Epoch) && last < f.Committed.Offset-1:
		f.wrong("the dense log ends with raw offset %d, and everything before %d was written: it has lost its end", last, f.Committed.Offset)
		need = min(need, last+1)
	case (landing.gap || scorer.gap) && need < f.Committed.Offset:
		f.wrong("readers of the dense log have lost records behind raw offset %d", need-1)
	}
	if len(f.Wrong) == 0 {
		return f
	}
	s := checkpoint.State{Mark: None}
	if renewed || dense.Start == dense.End {
		// A new dense log holds the whole window again, or a retry of what came
		// before would not be recognised.
		need = min(need, raw.Start)
	}
	switch {
	case renewed:
		f.costs("a retry of an event that raw holds no longer is a second event")
	case other:
		s.Epoch = uint64(dense.End)
	case f.readable():
		s.Epoch = state.Epoch
	}
	if p.renewed(&f, topics.Raw) || !p.rawCut && landing.turn != nil && landing.turn.Source != p.f.Topics[topics.Raw].ID {
		f.costs("what the old %s held behind the last record of the dense log is lost; how much that is, only the ledger of that log can say", topics.Raw)
	}
	if need < raw.End && !p.rawCut {
		f.costs("raw records from %d on are processed again; readers pass over what they have", max(need, raw.Start))
	}
	f.Write = &Write{need, s}
	return f
}

// score finds out how scoring and the landing of scores stand.
func (p *planner) score() (persons, scores []Finding) {
	persons, scores = make([]Finding, p.partitions), make([]Finding, p.partitions)
	for i := range p.partitions {
		scores[i] = p.landScores(i)
		persons[i] = p.scorePersons(i, scores[i].Write != nil)
	}
	return persons, scores
}

func (p *planner) scorePersons(i int32, again bool) Finding {
	f := p.finding(topics.GroupPersons, i)
	s := checkpoint.State{Mark: None}
	if f.readable() {
		s.Epoch = f.Committed.State.Epoch
	}
	if p.lostState {
		f.Write = &Write{0, s}
		f.Write.State.Rebuild = true
		return f
	}
	switch {
	case f.Committed.Offset == None:
		if p.bounds(topics.Scores, i).End == 0 {
			return f
		}
		f.wrong("the group has lost its offset")
		s.Rebuild = true
	case !f.readable():
		f.wrong("%s", f.Committed.Unreadable)
		s.Rebuild = true
	case p.renewed(&f, topics.Persons):
		f.wrong("%s", p.renewal(&f, topics.Persons))
		s.Rebuild = true
	case p.renewed(&f, topics.Scores):
		f.wrong("%s", p.renewal(&f, topics.Scores))
		s.Rebuild = f.Committed.State.Rebuild
	case again || p.tablesLost:
		f.wrong("profiles may not have landed")
		s.Rebuild = f.Committed.State.Rebuild
	default:
		return f
	}
	f.costs("the profile of every person is made once more")
	f.Write = &Write{0, s}
	return f
}

// cut reports whether a share of a chunk has left its log.
func (p *planner) cut(topic string, chunk *checkpoint.Intent) bool {
	return slices.ContainsFunc(chunk.Shares, func(s checkpoint.Share) bool {
		return s.Partition >= p.partitions || s.Hi >= p.bounds(topic, s.Partition).End
	})
}

// landScores finds out how the landing of scores stands. Its tables keep the
// highest version of everything, so reading again changes nothing and a chunk that
// was about to be inserted does not matter.
func (p *planner) landScores(i int32) Finding {
	f := p.finding(topics.GroupScores, i)
	log := p.bounds(topics.Scores, i)
	offset, mark := log.Start, int64(None)
	switch pending := f.Committed.State.Pending; {
	case f.Committed.Offset == None:
		if !p.recreated(topics.Scores) {
			return f
		}
		f.wrong("the topic was deleted and made again, or the broker's data was lost")
	case !f.readable():
		f.wrong("%s", f.Committed.Unreadable)
	case p.renewed(&f, topics.Scores):
		f.wrong("%s", p.renewal(&f, topics.Scores))
	case f.Committed.Offset > log.End, pending != nil && p.cut(topics.Scores, pending):
		f.wrong("the log ends at %d, before what was read from it: it has lost its end", log.End)
		// Another mark makes other tokens of the offsets that are given out again.
		offset, mark = min(f.Committed.Offset, log.End), max(f.Committed.Offset, f.Committed.State.Mark+1)
	case f.Committed.Offset < log.Start:
		f.wrong("records %d to %d expired before they landed", f.Committed.Offset, log.Start-1)
		f.costs("score_history lacks the versions among them")
	default:
		return f
	}
	f.Write = &Write{offset, checkpoint.State{Mark: mark}}
	return f
}
