package reset

import (
	"fmt"
	"slices"
	"time"

	"touchline.dev/schemas/topics"
	"touchline.dev/services/internal/checkpoint"
)

// reader is a group that reads the dense log, and where it is to go on.
type reader struct {
	Finding
	// source is the raw log that records before the turn answer.
	source string
	// offset, mark, turn and unmarked are those of the commit, or of the one that
	// is to be written.
	offset, mark int64
	unmarked     bool
	turn         *checkpoint.Turn
	// chunk is the one that the partition has a share of and has not gone past, nil
	// without one; pending is the same for as long as its service can finish it.
	chunk, pending *checkpoint.Intent
	// lost says that the commit is of no use: there is none, it cannot be read, or
	// its offset is no longer in the log.
	lost bool
	// gap says that the dense log may lack records behind the mark, anew that it is
	// another one than the commit belongs to.
	gap, anew bool
}

// need is the lowest raw offset that the reader has not taken, once it has passed
// the turn.
func (r *reader) need() int64 {
	if r.turn != nil {
		return min(r.mark, r.turn.Mark) + 1
	}
	return r.mark + 1
}

func (r *reader) write() {
	s := r.Committed.State
	if !r.readable() {
		s = checkpoint.State{}
	}
	s.Mark, s.Unmarked, s.Turn, s.Pending = r.mark, r.unmarked, r.turn, nil
	if r.pending != nil && r.pending.Shares[0].Partition == r.Partition {
		s.Pending = r.pending
	}
	r.Write = &Write{r.offset, s}
}

// dense finds out how a group stands with a partition of the dense log. results
// says whether the group has made anything of it.
func (p *planner) dense(group string, i int32, results bool) reader {
	r := reader{Finding: p.finding(group, i), mark: None}
	log, state := p.bounds(topics.Enriched, i), r.Committed.State
	r.offset, r.source, r.anew = log.Start, p.f.Topics[topics.Raw].ID, p.recreated(topics.Enriched)
	if !r.readable() {
		p.withoutPlace(&r, log, results)
		return r
	}
	r.source, r.mark, r.unmarked = state.Source(topics.Raw), state.Mark, state.Unmarked
	r.chunk = p.chunk(group, i)
	r.anew = p.renewed(&r.Finding, topics.Enriched)
	if t := state.Turn; t != nil {
		r.turn = &checkpoint.Turn{At: min(t.At, log.End), Source: t.Source, Mark: t.Mark}
	}
	switch at := r.Committed.Offset; {
	case r.anew:
		r.wrong("%s", p.renewal(&r.Finding, topics.Enriched))
		if r.turn != nil {
			r.turn.At = log.Start
		}
	case at > log.End:
		r.wrong("the log ends at %d, before the committed offset: it has lost its end", log.End)
		r.offset = log.End
	case at < log.Start:
		r.wrong("records %d to %d expired before they were read", at, log.Start-1)
	case p.hopeless(group, r.chunk) != "":
		share := r.chunk.Of(i)
		r.wrong("the chunk %d-%d was about to be inserted, and cannot be finished: %s", share.Lo, share.Hi, p.hopeless(group, r.chunk))
		r.offset = at
	default:
		r.offset, r.pending = at, r.chunk
	}
	r.gap = len(r.Wrong) > 0
	return r
}

// withoutPlace is dense for a group without a commit that can be read.
func (p *planner) withoutPlace(r *reader, log Bounds, results bool) {
	r.unmarked = log.Start > 0
	switch {
	case r.Committed.Unreadable != "":
		r.wrong("%s", r.Committed.Unreadable)
	case r.anew:
		r.wrong("the topic was deleted and made again, or the broker's data was lost")
	case results:
		r.wrong("the group has lost its offset")
	}
	if !r.anew && log.End > 0 {
		if before := p.answered(r.Partition); before != r.source {
			r.wrong("%s was deleted and made again: the dense log answers id %s", topics.Raw, before)
			r.source, r.turn = before, &checkpoint.Turn{At: log.End, Source: before, Mark: None}
		}
	}
	r.lost = len(r.Wrong) > 0
	r.gap = r.lost
}

// answered returns the id of the raw log that the dense log answers, as far as
// anybody can tell without the reader's commit.
func (p *planner) answered(i int32) string {
	now := p.f.Topics[topics.Raw].ID
	for _, group := range []string{topics.GroupEnricher, topics.GroupTouchpoints, topics.GroupScorer} {
		if f := p.finding(group, i); f.readable() {
			return f.Committed.State.Source(topics.Raw)
		}
	}
	if last := p.f.Tables.Last[i]; last != "" && p.f.Tables.landed(now, i) == (Landed{None, None}) {
		return last
	}
	return now
}

// turnTo notes that raw was made again, or is to be: the reader passes what the
// dense log still holds under the old offsets, and then begins anew.
func (p *planner) turnTo(r *reader) {
	log := p.bounds(topics.Enriched, r.Partition)
	switch {
	case p.renewed(&r.Finding, topics.Raw):
		r.wrong("%s", p.renewal(&r.Finding, topics.Raw))
	case p.rawCut && (r.readable() || log.End > 0):
		r.wrong("%s has lost its end", topics.Raw)
	default:
		return
	}
	if r.turn != nil && r.turn.At < log.End && r.offset < r.turn.At {
		r.costs("records %d to %d of the dense log are passed over: they answer a raw log that was made again twice", r.offset, r.turn.At-1)
		r.offset, r.pending, r.source = r.turn.At, nil, r.was(topics.Raw)
	}
	at := log.End
	if r.anew {
		at = log.Start
	}
	if waiting := at - r.offset; waiting > 0 {
		r.costs("%d records of the dense log that answer the old offsets are taken first", waiting)
	}
	r.turn = &checkpoint.Turn{At: at, Source: r.source, Mark: None}
}

// land finds out how the landing of touchpoints stands.
func (p *planner) land(i int32) reader {
	landed := p.f.Tables.landed(p.f.Topics[topics.Raw].ID, i)
	r := p.dense(topics.GroupTouchpoints, i, landed.Highest != None || p.f.Tables.Last[i] != "")
	if r.lost {
		r.mark = p.f.Tables.landed(r.source, i).Cut
		r.unmarked = r.unmarked && r.mark == None
		r.costs("records that have landed are read again and passed over")
	}
	p.turnTo(&r)
	if p.stuck(r.pending) {
		share := r.pending.Of(i)
		r.wrong("the chunk %d-%d is half inserted, and older than %s", share.Lo, share.Hi, oldIntent)
		r.pending = nil
	}
	if behind := p.f.Tables.landed(r.source, i); !r.lost && r.pending == nil && r.mark > max(behind.Cut, behind.Highest) {
		r.wrong("raw offset %d has landed, and ClickHouse ends with %d: it was emptied, or put back from a backup", r.mark, behind.Cut)
		r.costs("what ClickHouse lacks lands again, as far as the dense log still holds it")
		r.offset, r.mark = p.bounds(topics.Enriched, i).Start, behind.Cut
		r.unmarked = r.mark == None && r.offset > 0
		p.tablesLost = true
	}
	if r.chunk != nil && r.pending == nil || r.lost {
		p.abandon(&r)
	} else if r.pending == nil {
		r.mark = max(r.mark, p.f.Tables.landed(r.source, i).Cut)
	}
	if len(r.Wrong) > 0 {
		if r.gap {
			r.costs("what the dense log lacks behind raw offset %d is written again from raw; what expired there counts as lost_retention in the ledger", r.mark)
		}
		r.write()
	}
	return r
}

// oldIntent is the age from which a service may not repeat a chunk that is half
// inserted: its token may have left the deduplication window.
const oldIntent = 10 * time.Minute

// chunk returns the chunk that a partition has a share of and has not gone past.
func (p *planner) chunk(group string, i int32) *checkpoint.Intent {
	at := p.finding(group, i).Committed.Offset
	for leader := range p.partitions {
		f := p.finding(group, leader)
		if !f.readable() || f.Committed.State.Pending == nil {
			continue
		}
		if share := f.Committed.State.Pending.Of(i); share != nil && share.Hi >= at {
			return f.Committed.State.Pending
		}
	}
	return nil
}

// hopeless says why the services cannot finish a chunk, "" when they can or when
// there is none.
func (p *planner) hopeless(group string, chunk *checkpoint.Intent) string {
	if chunk == nil {
		return ""
	}
	for _, s := range chunk.Shares {
		if s.Partition >= p.partitions {
			return fmt.Sprintf("there is no partition %d", s.Partition)
		}
		f, log := p.finding(group, s.Partition), p.bounds(topics.Enriched, s.Partition)
		leads := s.Partition == chunk.Shares[0].Partition
		switch {
		case leads && s.Lo != f.Committed.Offset:
			return fmt.Sprintf("offset %d is committed", f.Committed.Offset)
		case s.Hi >= log.End:
			return fmt.Sprintf("partition %d ends at %d", s.Partition, log.End)
		case s.Lo < log.Start && !chunk.Landed:
			return fmt.Sprintf("partition %d begins at %d", s.Partition, log.Start)
		case f.Committed.Unreadable != "" || p.renewed(&f, topics.Enriched):
			return fmt.Sprintf("what is committed of partition %d is of no use", s.Partition)
		}
	}
	return ""
}

// stuck reports whether a chunk is half inserted for so long that its service may
// have given it up: its token may have left the deduplication window.
func (p *planner) stuck(chunk *checkpoint.Intent) bool {
	if chunk == nil {
		return false
	}
	// A negative age says nothing, so it counts as high.
	age := p.f.Now - chunk.At
	return (age < 0 || age > oldIntent.Milliseconds()) && slices.ContainsFunc(chunk.Shares, func(s checkpoint.Share) bool {
		source := p.f.Topics[topics.Raw].ID
		if f := p.finding(topics.GroupTouchpoints, s.Partition); f.readable() {
			source = f.Committed.State.Source(topics.Raw)
		}
		landed := p.f.Tables.landed(source, s.Partition)
		return landed.Highest > max(s.Mark, landed.Cut)
	})
}

// abandon finds out what became of a chunk that cannot be inserted as it was meant
// to be.
func (p *planner) abandon(r *reader) {
	landed := p.f.Tables.landed(r.source, r.Partition)
	r.pending, r.mark = nil, max(r.mark, landed.Cut)
	if landed.Highest <= r.mark {
		return
	}
	if !p.o.AbandonIntents {
		p.refuse("%s partition %d: a chunk is half inserted: rows reach to raw offset %d, the last whole chunk to %d; if its service cannot finish it (start it, and see what it says), --abandon-intents takes what is there as landed", r.Group, r.Partition, landed.Highest, r.mark)
	}
	r.costs("a chunk is left as it is: of raw offsets %d to %d the rows that are missing stay missing, and show as residual in the ledger", r.mark+1, landed.Highest)
	r.mark = landed.Highest
}

// fold finds out how the scorer stands; rebuild decides what is to be done.
func (p *planner) fold(i int32) reader {
	r := p.dense(topics.GroupScorer, i, p.bounds(topics.Fragments, i).End > 0)
	p.turnTo(&r)
	for _, topic := range []string{topics.Fragments, topics.Persons} {
		if p.renewed(&r.Finding, topic) {
			r.wrong("%s", p.renewal(&r.Finding, topic))
			r.lost = true
		}
	}
	if r.readable() && !r.anew && r.Committed.Offset < p.bounds(topics.Enriched, i).Start {
		r.lost = true // what expired is in the table, if it has landed
	}
	if persons := p.finding(topics.GroupPersons, i); persons.readable() && persons.Committed.Offset > p.bounds(topics.Persons, i).End && !p.renewed(&persons, topics.Persons) {
		r.wrong("%s ends before the offset up to which it was scored: it has lost its end", topics.Persons)
		r.lost = true
	}
	if cut := p.f.Tables.landed(r.source, i).Cut; p.rawCut && cut > max(r.mark, p.f.Answered[i]) {
		r.wrong("raw offset %d has landed, and the dense log ends with %d", cut, p.f.Answered[i])
		r.lost = true
	}
	if r.lost {
		p.lostState = true
	}
	if len(r.Wrong) > 0 {
		r.write()
	}
	return r
}

// rebuild has the scorer make its state from the table when that of any partition
// is lost: snapshots of a partition are spread over all of persons.
func (p *planner) rebuild(landing, scorer []reader) {
	if !p.lostState {
		return
	}
	held := false
	for i := range p.partitions {
		held = held || p.bounds(topics.Fragments, i).End > 0 || p.bounds(topics.Persons, i).End > 0
		l, r := landing[i], &scorer[i]
		r.offset, r.mark, r.unmarked, r.source, r.turn, r.pending = l.offset, l.mark, l.unmarked, l.source, l.turn, nil
		r.gap = false
		r.Cost = nil
		r.write()
		r.Write.State.Rebuild = true
	}
	if held {
		p.plan.Remake = append(p.plan.Remake, topics.Fragments, topics.Persons)
		p.cost("%s and %s are deleted and made again: what they hold cannot be continued", topics.Fragments, topics.Persons)
	}
	p.cost("the scorer makes fragments and profiles again from the %d rows of touchpoints when it starts; until it is through, profiles lack what was not read yet", p.f.Tables.Events)
}
