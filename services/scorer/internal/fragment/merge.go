package fragment

import (
	"slices"

	pb "touchline.dev/schemas/touchlinepb"
)

// Merge adds what `from` knows to `into`. The events of the two must be different
// ones. Of two projects, persons or devices nothing is left; the stamp, which
// means nothing across partitions, is the higher one.
func (f *Folder) Merge(into, from *pb.Fragment) {
	if into.Project != from.Project {
		into.Project = ""
	}
	if into.PersonId != from.PersonId {
		into.PersonId = 0
	}
	if into.Device != from.Device {
		into.Device = ""
	}
	if from.Events == 0 {
		return
	}
	first := into.Events == 0
	into.Src = max(into.Src, from.Src)
	into.UserId = max(into.UserId, from.UserId)
	if first || from.FirstSeenMs < into.FirstSeenMs ||
		from.FirstSeenMs == into.FirstSeenMs && laterVisit(from.FirstChannel, from.FirstCampaign, into) {
		into.FirstChannel, into.FirstCampaign = from.FirstChannel, from.FirstCampaign
		into.FirstSeenMs = from.FirstSeenMs
	}
	if first || from.LastSeenMs > into.LastSeenMs {
		into.LastSeenMs = from.LastSeenMs
	}
	into.Events += from.Events
	into.Pages += from.Pages
	into.Orders += from.Orders
	if from.Currency != "" || from.RevenueE4 != 0 {
		addRevenue(into, from.Currency, from.RevenueE4)
	}
	if into.EventCounts == nil {
		into.EventCounts = make(map[string]uint64, len(from.EventCounts))
	}
	for name, n := range from.EventCounts {
		f.count(into.EventCounts, name, n)
	}
	for name, at := range from.FirstTimes {
		f.firstTime(into, name, at)
	}
	for name, trait := range from.Traits {
		setTrait(into, name, trait.Value, trait.AtMs)
	}
	days := slices.Concat(into.ActiveDays, from.ActiveDays)
	slices.Sort(days)
	days = slices.Compact(days)
	into.ActiveDays = days[max(0, len(days)-MaxDays):]
}

// rest is the name under which the events of names left out are counted.
const rest = ""

// count adds n events of a name and leaves out the last name when there are too
// many. What is left out never comes back: at any time the best MaxNames of all
// names seen are kept, with every event of theirs.
func (f *Folder) count(counts map[string]uint64, name string, n uint64) {
	counts[name] += n
	most := MaxNames
	if _, ok := counts[rest]; ok {
		most++
	}
	if len(counts) <= most {
		return
	}
	last := rest
	for name := range counts {
		if name != rest && (last == rest || f.before(last, name, f.watch.Events)) {
			last = name
		}
	}
	left := counts[last]
	delete(counts, last)
	counts[rest] += left
}

// firstTime notes a first time, within the same bound.
func (f *Folder) firstTime(into *pb.Fragment, name string, at int64) {
	if into.FirstTimes == nil {
		into.FirstTimes = make(map[string]int64)
	}
	times := into.FirstTimes
	if known, ok := times[name]; ok {
		times[name] = min(known, at)
		return
	}
	times[name] = at
	if len(times) <= MaxNames {
		return
	}
	last, found := "", false
	for name := range times {
		if !found || f.before(last, name, f.watch.Times) {
			last, found = name, true
		}
	}
	delete(times, last)
}

// before is the order in which names are kept: watched ones, then the alphabet.
func (f *Folder) before(a, b string, watched map[string]bool) bool {
	if wa, wb := watched[a] || a == FirstOrder, watched[b] || b == FirstOrder; wa != wb {
		return wa
	}
	return a < b
}
