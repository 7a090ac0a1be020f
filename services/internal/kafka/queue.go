package kafka

import (
	"unsafe"

	"github.com/twmb/franz-go/pkg/kgo"
)

// queue holds the records of one partition that were fetched and that its worker
// has not asked for. It is not safe for concurrent use.
type queue struct {
	pieces []piece
	bytes  int
}

// piece is what one fetch brought.
type piece struct {
	records []*kgo.Record
	bytes   int
}

func (q *queue) push(records []*kgo.Record) {
	p := piece{records: records}
	for _, r := range records {
		p.bytes += recordBytes(r)
	}
	q.pieces = append(q.pieces, p)
	q.bytes += p.bytes
}

// pop removes the first piece; nil when there is none.
func (q *queue) pop() []*kgo.Record {
	if len(q.pieces) == 0 {
		return nil
	}
	p := q.pieces[0]
	q.pieces[0] = piece{}
	q.pieces = q.pieces[1:]
	q.bytes -= p.bytes
	return p.records
}

// recordBytes is what a record takes in memory: its bytes, the struct with the
// pointer to it, and a struct and a copied name for each header.
func recordBytes(r *kgo.Record) int {
	n := int(unsafe.Sizeof(*r)+unsafe.Sizeof(r)) + len(r.Key) + len(r.Value)
	for i := range r.Headers {
		n += int(unsafe.Sizeof(r.Headers[i])) + len(r.Headers[i].Key) + len(r.Headers[i].Value)
	}
	return n
}
