package clickhouse

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"strings"
	"sync"

	"github.com/ClickHouse/ch-go/proto"
)

// body sends blocks as one block in the Native format, out of the columns' own memory:
// all that is encoded apart from them is names, types and dictionaries, and numbers that
// other blocks before them change.
//
// One block, because the server makes a token for each block it is sent and joins those
// of the blocks it squashes: the same rows cut in another way would be others to it.
//
// It sends no length, but pieces of about pieceBytes: net/http passes those on as they
// are, while it copies a body of known length through a buffer. Either way the server
// tells a body that was cut off from a complete one.
type body struct {
	blocks []Block
	rows   int

	mu     sync.Mutex
	ended  bool
	small  *proto.Buffer
	pieces *bufio.Writer
}

// pieceBytes gathers the short columns of a block into one piece. With the head of a
// piece it fits the transport's buffer; a longer column goes from its memory to the
// socket.
const (
	pieceBytes  = 64 << 10
	socketBytes = pieceBytes + 4<<10
)

// newBody checks that the blocks fit each other. Columns of types other than this
// package's can be joined only if their values are independent of each other.
func newBody(blocks []Block) (*body, error) {
	first, rows := blocks[0], 0
	for _, b := range blocks {
		if b.Table != first.Table || len(b.Input) != len(first.Input) {
			return nil, fmt.Errorf("a block of %s with %d columns and one of %s with %d in one insert", first.Table, len(first.Input), b.Table, len(b.Input))
		}
		for i, c := range b.Input {
			if want := first.Input[i]; c.Name != want.Name || c.Data.Type() != want.Data.Type() {
				return nil, fmt.Errorf("column %s %s of %s stands where %s %s does", c.Name, c.Data.Type(), b.Table, want.Name, want.Data.Type())
			}
			if c.Data.Rows() != b.Rows() {
				return nil, fmt.Errorf("column %s of %s has %d rows, the block %d", c.Name, b.Table, c.Data.Rows(), b.Rows())
			}
			_, ours := c.Data.(column)
			_, firsts := first.Input[i].Data.(column)
			if ours != firsts || !ours && len(blocks) > 1 && strings.Contains(string(c.Data.Type()), "(") {
				return nil, fmt.Errorf("column %s of %s: a %T cannot be joined", c.Name, b.Table, c.Data)
			}
			if p, ok := c.Data.(proto.Preparable); ok {
				if err := p.Prepare(); err != nil {
					return nil, fmt.Errorf("prepare column %s of %s: %w", c.Name, b.Table, err)
				}
			}
		}
		rows += b.Rows()
	}
	if rows > MaxRows {
		return nil, fmt.Errorf("%d rows of %s in one insert, more than %d", rows, first.Table, MaxRows)
	}
	return &body{blocks: blocks, rows: rows, small: new(proto.Buffer), pieces: bufio.NewWriterSize(nil, pieceBytes)}, nil
}

// errEnded says that the insert which the body belongs to has returned.
var errEnded = errors.New("the insert has ended")

// WriteTo implements io.WriterTo. Each call writes the whole body.
func (b *body) WriteTo(w io.Writer) (int64, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.ended {
		return 0, errEnded
	}
	b.pieces.Reset(w)
	b.small.Reset()
	columns := proto.NewWriter(b.pieces, b.small)
	columns.ChainBuffer(func(head *proto.Buffer) {
		head.PutInt(len(b.blocks[0].Input))
		head.PutInt(b.rows)
	})
	var sent int64
	for i := range b.blocks[0].Input {
		b.write(columns, i)
		n, err := columns.Flush()
		sent += n
		if err != nil {
			return sent, err
		}
	}
	return sent, b.pieces.Flush()
}

// write writes one column of all blocks.
func (b *body) write(w *proto.Writer, i int) {
	first := b.blocks[0].Input[i]
	w.ChainBuffer(func(head *proto.Buffer) { first.EncodeStart(head, 0) })
	if b.rows == 0 {
		return
	}
	if c, ok := first.Data.(proto.StateEncoder); ok {
		w.ChainBuffer(c.EncodeState)
	}
	parts := make([]column, 0, len(b.blocks))
	for _, block := range b.blocks {
		if c, ours := block.Input[i].Data.(column); ours {
			parts = append(parts, c)
		} else {
			block.Input[i].Data.WriteColumn(w)
		}
	}
	if len(parts) > 0 {
		parts[0].join(w, parts)
	}
}

// end waits until nobody reads the blocks and keeps everybody from doing so later.
func (b *body) end() {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.ended = true
}

// open returns a reader of the whole body, as http.Request.GetBody does.
func (b *body) open() (io.ReadCloser, error) { return &reading{body: b}, nil }

// reading is one passage through a body. net/http uses WriteTo; Read is for callers
// that do not know it, and encodes into memory.
type reading struct {
	*body
	rest *bytes.Buffer
}

// Read implements io.Reader.
func (r *reading) Read(p []byte) (int, error) {
	if r.rest == nil {
		r.rest = new(bytes.Buffer)
		if _, err := r.WriteTo(r.rest); err != nil {
			return 0, err
		}
	}
	return r.rest.Read(p)
}

// Close implements io.Closer. The transport may call it while WriteTo is under way, so
// it does not wait.
func (r *reading) Close() error { return nil }
