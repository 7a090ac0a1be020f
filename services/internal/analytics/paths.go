package analytics

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
)

// PathQuery is the parameters of analytics.paths. Times are milliseconds since 1970
// UTC.
type PathQuery struct {
	From, To int64
	// Start is the item that paths begin with, End the one that they end with; ""
	// is any.
	Start, End string
	// Only are the names of the events to look at, all when there are none;
	// Exclude are items to look past.
	Only, Exclude []string
	// GapSeconds without an item end a path.
	GapSeconds int64
	// MaxSteps is how many items of a path are kept, Top how many edges.
	MaxSteps, Top int
}

// Where an edge leads when the path ends, and what stands for items left out.
const (
	pathEnd = "(end)"
	pathGap = "..."
)

// pathItem is a place on a path and when it was last seen there.
type pathItem struct {
	name string
	at   int64
}

// PathEdge is a row of analytics.paths.
type PathEdge struct {
	// Position is that of the source, from 1.
	Position int64
	// Source and Target are positions and items, joined by "_".
	Source, Target string
	Paths          int64
	AverageSeconds float64
	ms             int64
}

// String returns the columns as text.
func (e PathEdge) String() string {
	return fmt.Sprintf("%d %s %s %d %.9g", e.Position, e.Source, e.Target, e.Paths, e.AverageSeconds)
}

// Paths answers q: the edges that most paths take, and the items at which most of
// them end.
//
// An item is a page, a screen or the name of another event. A person's items in the
// order of time and then of the log, without those to look past, are cut where
// GapSeconds or more lie between two. Of equal neighbours one is left, with the time
// of the last. With a Start, what precedes it first is cut off; with an End, what
// follows the first End, from the Start on; paths without them are left out. Of what
// remains the first MaxSteps items are kept; with an End the last; with both, the
// first and last ones around "...", which has the time of the item before it.
func Paths(s Stream, q PathQuery) []PathEdge {
	edges := map[[2]string]*PathEdge{}
	for _, events := range s.Persons() {
		for _, path := range q.cut(events) {
			kept, ends := q.keep(path)
			for i, item := range kept {
				target, ms := pathEnd, int64(0)
				if i+1 < len(kept) {
					target = fmt.Sprintf("%d_%s", i+2, kept[i+1].name)
					ms = kept[i+1].at - item.at
				} else if !ends {
					continue
				}
				key := [2]string{fmt.Sprintf("%d_%s", i+1, item.name), target}
				e := edges[key]
				if e == nil {
					e = &PathEdge{Position: int64(i + 1), Source: key[0], Target: key[1]}
					edges[key] = e
				}
				e.Paths++
				e.ms += ms
			}
		}
	}
	var on, out []PathEdge
	for _, e := range edges {
		e.AverageSeconds = ratio(e.ms, e.Paths) / 1000
		if e.Target == pathEnd {
			out = append(out, *e)
		} else {
			on = append(on, *e)
		}
	}
	rows := append(q.most(on), q.most(out)...)
	slices.SortFunc(rows, compareEdges)
	return rows
}

// most returns the Top edges with the most paths.
func (q PathQuery) most(edges []PathEdge) []PathEdge {
	slices.SortFunc(edges, compareEdges)
	return edges[:min(q.Top, len(edges))]
}

func compareEdges(a, b PathEdge) int {
	return cmp.Or(cmp.Compare(b.Paths, a.Paths), strings.Compare(a.Source, b.Source), strings.Compare(a.Target, b.Target))
}

// cut returns the paths in the events of a person.
func (q PathQuery) cut(events []Event) [][]pathItem {
	var paths [][]pathItem
	last := int64(0)
	for _, e := range events {
		name := cmp.Or(e.Page(), NotSet)
		if e.Time < q.From || e.Time >= q.To || slices.Contains(q.Exclude, name) || len(q.Only) > 0 && !slices.Contains(q.Only, e.Name) {
			continue
		}
		if len(paths) == 0 || e.Time-last >= q.GapSeconds*1000 {
			paths = append(paths, nil)
		}
		last = e.Time
		path := &paths[len(paths)-1]
		if n := len(*path); n > 0 && (*path)[n-1].name == name {
			(*path)[n-1].at = e.Time
		} else {
			*path = append(*path, pathItem{name, e.Time})
		}
	}
	return paths
}

// keep returns what is kept of a path, and whether its last item is where it ended by
// itself.
func (q PathQuery) keep(path []pathItem) (kept []pathItem, ends bool) {
	find := func(name string) int {
		return slices.IndexFunc(path, func(i pathItem) bool { return i.name == name })
	}
	if q.Start != "" {
		i := find(q.Start)
		if i < 0 {
			return nil, false
		}
		path = path[i:]
	}
	if q.End != "" {
		i := find(q.End)
		if i < 0 {
			return nil, false
		}
		path = path[:i+1]
	}
	n := q.MaxSteps
	switch {
	case len(path) <= n:
		return path, q.End == ""
	case q.End == "":
		return path[:n], false
	case q.Start == "":
		return path[len(path)-n:], false
	}
	head := n / 2
	tail := n - 1 - head
	kept = append(slices.Clone(path[:head]), pathItem{pathGap, path[head-1].at})
	return append(kept, path[len(path)-tail:]...), false
}
