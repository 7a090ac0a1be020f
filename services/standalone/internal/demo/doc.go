// Package demo plays the customers of a small tea shop and shows what Touchline
// makes of them.
//
// It writes touchpoints the way an SDK does: Segment requests to the address of
// a collector, authenticated with a write key. History sends the last weeks, Live
// sends visitors as they come. It reads the views of the database analytics the
// way a BI tool does: Settled waits until a history can be queried, Report prints
// a funnel, its drop-off and a retention table.
//
// History is bound to the calendar: the same seed gives the same visitors on the
// same days with the same message ids, whenever it is asked for. Sent again it
// adds nothing but what has happened since, because the pipeline drops messages
// that it knows; After covers the time for which it remembers them.
package demo
