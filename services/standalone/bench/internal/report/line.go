package report

// Line is a line of the table of costs.
type Line int

// The lines, in the order of the table.
const (
	HandlerSingle Line = iota
	HandlerBatch
	CollectorSingle
	CollectorBatch
	CollectorSingleGzip
	CollectorBatchGzip
	BrokerSingle
	BrokerBatch
	Enriching
	BrokerEnriching
	Landing
	Inserts
	Merges
	ColumnsLanding
	ColumnsInserts
	lines
)

// about is what the table says about a line or a sum of lines.
type about struct {
	name string
	// target is in CPU-seconds per million events; 0 none.
	target float64
	// floor is what a program that does only this has needed, in the same unit.
	floor string
	// beside is the line of the empty handler under the same load.
	beside Line
	of     []Line
}

// none says that there is no empty handler to compare with.
const none = lines

// table has the lines and the sums in the order in which they are shown.
var table = []about{
	{"empty `net/http` handler, 1 event a request", 0, "", none, []Line{HandlerSingle}},
	{"empty `net/http` handler, 50 events a request", 0, "", none, []Line{HandlerBatch}},
	{"collector, 1 event a request", 35, "27", HandlerSingle, []Line{CollectorSingle}},
	{"collector, 50 events a request", 5, "3.5", HandlerBatch, []Line{CollectorBatch}},
	{"collector, 1 event a request, gzip", 0, "", HandlerSingle, []Line{CollectorSingleGzip}},
	{"collector, 50 events a request, gzip", 0, "", HandlerBatch, []Line{CollectorBatchGzip}},
	{"broker meanwhile, 1 event a request", 0, "", none, []Line{BrokerSingle}},
	{"broker meanwhile, 50 events a request", 0, "", none, []Line{BrokerBatch}},
	{"enricher: raw log to dense log", 7.5, "5.0", none, []Line{Enriching}},
	{"broker meanwhile", 0, "", none, []Line{BrokerEnriching}},
	{"enricher: dense log to ClickHouse", 4, "", none, []Line{Landing}},
	{"ClickHouse: inserts and the merges meanwhile", 0, "", none, []Line{Inserts}},
	{"ClickHouse: further merges until it rests", 0, "", none, []Line{Merges}},
	{"landing and ClickHouse, merges included", 14, "", none, []Line{Landing, Inserts, Merges}},
	{"table of 30 columns, no views, merges off: landing process", 0, "3.0", none, []Line{ColumnsLanding}},
	{"table of 30 columns, no views, merges off: ClickHouse", 0, "2.0", none, []Line{ColumnsInserts}},
	{"table of 30 columns: landing process and ClickHouse", 7.5, "5.0", none, []Line{ColumnsLanding, ColumnsInserts}},
	{"enricher process: both halves", 0, "", none, []Line{Enriching, Landing}},
	{"whole path, 50 events a request, without the broker", 0, "", none, []Line{CollectorBatch, Enriching, Landing, Inserts, Merges}},
}
