package reset

import (
	"fmt"

	"touchline.dev/schemas/topics"
	"touchline.dev/services/internal/checkpoint"
)

// Options change what Diagnose allows.
type Options struct {
	// AbandonIntents takes chunks that are half inserted, and cannot be finished,
	// as landed.
	AbandonIntents bool
	// AbandonUnread gives up raw records that were not processed, in a raw log that
	// cannot be continued.
	AbandonUnread bool
	// OneProcess says that all groups run in one process, which ends with the first
	// of them that cannot go on.
	OneProcess bool
}

// Plan is what is wrong, and what to do about it.
type Plan struct {
	// Refused says why nothing may be done; empty when it may.
	Refused []string
	// Findings tells of every group and partition, in the order of writing.
	Findings []Finding
	// Remake are topics whose records mean nothing any more: they are deleted and
	// made again, before anything else is done.
	Remake []string
	// Note are ids of topics for ClickHouse to know, by name, after all else.
	Note map[string]string
	// Cost says what is lost or repeated beyond single partitions.
	Cost []string
}

// Finding is how a group stands with a partition.
type Finding struct {
	Group, Topic string
	Partition    int32
	Committed    Commit
	// Wrong says why the service stops, Cost what Write loses or repeats.
	Wrong, Cost []string
	// Write is the commit to go on from; nil when nothing is to be written.
	Write *Write
}

// Write is a commit to be written. The ids of its topics are filled in when that
// is done.
type Write struct {
	Offset int64
	State  checkpoint.State
}

// Sound reports whether all is as it should be.
func (p Plan) Sound() bool {
	return len(p.Findings) > 0 && len(p.Remake) == 0 && len(p.Note) == 0 && len(p.writes()) == 0
}

// Restrict refuses a plan that writes more than one group; an empty group
// restricts nothing. A part of a plan would leave holes for the others.
func (p *Plan) Restrict(group string) {
	if group == "" || p.Sound() {
		return
	}
	for _, f := range p.writes() {
		if f.Group != group {
			p.Refused = append(p.Refused, fmt.Sprintf("group %s has to be written too; leave --group out", f.Group))
			return
		}
	}
}

// IsGroup reports whether a name is that of a consumer group of Touchline.
func IsGroup(name string) bool { return memberOf(name).group != "" }

func (p Plan) writes() []Finding {
	var w []Finding
	for _, f := range p.Findings {
		if f.Write != nil {
			w = append(w, f)
		}
	}
	return w
}

// Diagnose decides what is wrong and what to do.
func Diagnose(f Facts, o Options) Plan {
	p := &planner{f: f, o: o}
	if p.checkTopics(); len(p.plan.Refused) > 0 {
		return p.plan
	}
	p.checkMembers()
	p.partitions = int32(len(f.Topics[topics.Raw].Partitions))
	p.note()
	p.checkRaw()
	landing, scorer := make([]reader, p.partitions), make([]reader, p.partitions)
	for i := range p.partitions {
		landing[i] = p.land(i)
		scorer[i] = p.fold(i)
	}
	p.rebuild(landing, scorer)
	enricher := make([]Finding, p.partitions)
	for i := range p.partitions {
		enricher[i] = p.enrich(i, landing[i], scorer[i])
	}
	persons, scores := p.score()
	p.plan.Findings = enricher
	for _, readers := range [][]reader{landing, scorer} {
		for _, r := range readers {
			p.plan.Findings = append(p.plan.Findings, r.Finding)
		}
	}
	p.plan.Findings = append(append(p.plan.Findings, persons...), scores...)
	p.checkIntents()
	return p.plan
}

type planner struct {
	f          Facts
	o          Options
	partitions int32
	plan       Plan
	// rawCut says that raw has lost its end: it gives offsets out a second time, so
	// it has to be another log.
	rawCut bool
	// tablesLost says that ClickHouse is behind what has landed.
	tablesLost bool
	// lostState says that the scorer's state is made again.
	lostState bool
}

// checkTopics refuses what has no shape: a missing topic, or different numbers of
// partitions.
func (p *planner) checkTopics() {
	for _, t := range topics.All() {
		have, ok := p.f.Topics[t.Name]
		if !ok {
			p.refuse("topic %s does not exist; create it with: touchline topics apply", t.Name)
		} else if raw := p.f.Topics[topics.Raw]; len(have.Partitions) != len(raw.Partitions) {
			p.refuse("%s has %d partitions and %s has %d; all need the same number", t.Name, len(have.Partitions), topics.Raw, len(raw.Partitions))
		}
	}
}

// checkMembers refuses while a service runs: it would go on from what it knows,
// and its next commit would undo what is written here.
func (p *planner) checkMembers() {
	for _, m := range members() {
		if g := p.f.Groups[m.group]; inUse(g.State) {
			p.refuse("group %s is in use (%s): stop the services first; a process that was killed, or has a membership.instance_id, is in it until its session times out", m.group, g.State)
		}
	}
}

// inUse reports whether a group in that state has members, or may have.
func inUse(state string) bool { return state != "Empty" && state != "Dead" }

// checkIntents refuses while a chunk waits that a start of its service would
// finish: nothing is to be derived from a place that is about to move. Nothing is
// derived from that of the landing of scores.
func (p *planner) checkIntents() {
	if p.plan.Sound() {
		return
	}
	broken := map[string]bool{}
	for _, f := range p.plan.writes() {
		broken[serviceOf(f.Group)] = true
	}
	for _, f := range p.plan.Findings {
		if f.Group != topics.GroupTouchpoints || f.Write != nil || p.chunk(f.Group, f.Partition) == nil || p.o.OneProcess || broken[serviceOf(f.Group)] {
			continue
		}
		share := p.chunk(f.Group, f.Partition).Of(f.Partition)
		p.refuse("%s partition %d: the chunk %d-%d is about to be inserted, and the service finishes it by itself: start it, stop it again, then reset", f.Group, f.Partition, share.Lo, share.Hi)
	}
}

// checkRaw finds out whether raw has lost its end.
func (p *planner) checkRaw() {
	id, unread := p.f.Topics[topics.Raw].ID, int64(0)
	for i := range p.partitions {
		end := p.bounds(topics.Raw, i).End
		read := max(0, p.f.Tables.landed(id, i).Cut+1)
		for _, m := range members() {
			f := p.finding(m.group, i)
			switch {
			case !f.readable() || p.renewed(&f, topics.Raw):
			case m.topic == topics.Raw:
				read = max(read, f.Committed.Offset)
				unread += max(0, end-f.Committed.Offset)
			case m.topic == topics.Enriched && f.Committed.State.Turn == nil:
				read = max(read, f.Committed.State.Mark+1)
			}
		}
		p.rawCut = p.rawCut || read > end
	}
	if !p.rawCut {
		return
	}
	p.plan.Remake = append(p.plan.Remake, topics.Raw)
	if unread > 0 && !p.o.AbandonUnread {
		p.refuse("%s has lost its end and has to be made again, and %d records in it were not processed; --abandon-unread gives them up", topics.Raw, unread)
	}
	p.cost("%s is deleted and made again: it gives offsets out a second time; %d records in it that were not processed are lost, and those behind its end are lost already", topics.Raw, unread)
}

// note finds the topics that ClickHouse knows under another id.
func (p *planner) note() {
	for name, known := range p.f.Tables.Known {
		if id := p.f.Topics[name].ID; known != "" && known != id {
			if p.plan.Note == nil {
				p.plan.Note = map[string]string{}
			}
			p.plan.Note[name] = id
		}
	}
}

// recreated reports whether rows have landed from another topic of that name.
func (p *planner) recreated(name string) bool { return p.plan.Note[name] != "" }

func (p *planner) refuse(format string, args ...any) {
	p.plan.Refused = append(p.plan.Refused, fmt.Sprintf(format, args...))
}

func (p *planner) cost(format string, args ...any) {
	p.plan.Cost = append(p.plan.Cost, fmt.Sprintf(format, args...))
}

func (p *planner) bounds(topic string, partition int32) Bounds {
	return p.f.Topics[topic].Partitions[partition]
}

// finding begins what is said of a group and partition.
func (p *planner) finding(group string, partition int32) Finding {
	m := memberOf(group)
	return Finding{Group: group, Topic: m.topic, Partition: partition, Committed: p.f.Groups[group].Commits[partition]}
}

func (f *Finding) wrong(format string, args ...any) {
	f.Wrong = append(f.Wrong, fmt.Sprintf(format, args...))
}

func (f *Finding) costs(format string, args ...any) {
	f.Cost = append(f.Cost, fmt.Sprintf(format, args...))
}

// readable reports whether there is a commit that can be understood.
func (f *Finding) readable() bool {
	return f.Committed.Offset != None && f.Committed.Unreadable == ""
}

// was returns the id of a topic that the commit names, "" when it names none.
func (f *Finding) was(topic string) string {
	if !f.readable() {
		return ""
	}
	return f.Committed.State.Topics[topic]
}

// renewed reports whether the commit names another topic of that name than there
// is now.
func (p *planner) renewed(f *Finding, topic string) bool {
	return f.readable() && f.was(topic) != p.f.Topics[topic].ID
}

// renewal says so in words.
func (p *planner) renewal(f *Finding, topic string) string {
	return fmt.Sprintf("%s was deleted and made again, or the broker's data was lost: its id was %q and is %s", topic, f.was(topic), p.f.Topics[topic].ID)
}

func memberOf(group string) member {
	for _, m := range members() {
		if m.group == group {
			return m
		}
	}
	return member{}
}

func serviceOf(group string) string { return memberOf(group).service }
