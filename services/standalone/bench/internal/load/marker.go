package load

import (
	"strconv"
	"time"
)

// MarkerEvent is the name of the events that are looked for in the tables.
const MarkerEvent = "Benchmark Marker"

// AppendMarker appends a request with one event named MarkerEvent. Its message id
// is the number, and each number is a device of its own, so that markers spread
// over the partitions.
func (c *Corpus) AppendMarker(dst []byte, number int, now time.Time) []byte {
	w := &writer{corpus: c}
	id, at := strconv.Itoa(number), now.UTC().Format(timeLayout)
	w.body = []byte(`{"type":"track","event":"` + MarkerEvent + `","messageId":"` + id + `","anonymousId":"marker-` + id +
		`","timestamp":"` + at + `","sentAt":"` + at + `","properties":{}}`)
	return w.frame(dst, "/v1/t", c.single, w.body)
}
