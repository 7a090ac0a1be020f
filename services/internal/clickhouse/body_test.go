package clickhouse

import (
	"bytes"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	schema "touchline.dev/schemas/clickhouse"
)

// texts is a block of n values of size bytes.
func texts(n, size int) Block {
	c := NewColumns(schema.Table{Database: "d", Name: "t", Columns: []schema.Column{{Name: "text", Type: "String"}, {Name: "low", Type: "LowCardinality(String)"}}})
	text, low := c.Str("text"), c.Low("low")
	for i := range n {
		text.Append(strings.Repeat(string(rune('a'+i%26)), size))
		low.Append("x")
	}
	return c.Block()
}

func TestBody_readsAsItIsWritten(t *testing.T) {
	b, err := newBody([]Block{texts(3, 10), texts(1, 100_000), texts(50, 3000)})
	if err != nil {
		t.Fatal(err)
	}
	var written bytes.Buffer
	n, err := b.WriteTo(&written)
	if err != nil || n != int64(written.Len()) {
		t.Errorf("%d of %d bytes: %v", n, written.Len(), err)
	}
	for range 2 {
		r, err := b.open()
		if err != nil {
			t.Fatal(err)
		}
		// io.ReadAll uses Read only.
		if read, err := io.ReadAll(r); err != nil || !bytes.Equal(read, written.Bytes()) {
			t.Errorf("%d bytes, want %d: %v", len(read), written.Len(), err)
		}
		if err := r.Close(); err != nil {
			t.Error(err)
		}
	}
}

// stuck takes nothing until it is let go.
type stuck struct{ entered, letGo chan struct{} }

func (s *stuck) Write([]byte) (int, error) {
	close(s.entered)
	<-s.letGo
	return 0, io.ErrClosedPipe
}

// The columns belong to the caller again when Insert returns: nobody may still be, or
// begin, reading them.
func TestBody_endWaitsForWhoReads(t *testing.T) {
	b, err := newBody([]Block{texts(1, 1<<20)})
	if err != nil {
		t.Fatal(err)
	}
	s := &stuck{make(chan struct{}), make(chan struct{})}
	written, ended := make(chan error, 1), make(chan struct{})
	go func() {
		_, err := b.WriteTo(s)
		written <- err
	}()
	<-s.entered
	go func() {
		b.end()
		close(ended)
	}()
	select {
	case <-ended:
		t.Error("end did not wait")
	case <-time.After(50 * time.Millisecond):
	}
	close(s.letGo)
	<-ended
	if err := <-written; !errors.Is(err, io.ErrClosedPipe) {
		t.Error(err)
	}
	if _, err := b.WriteTo(io.Discard); !errors.Is(err, errEnded) {
		t.Errorf("after the end: %v", err)
	}
}

// A server that answers before it has read the body, or hangs up, ends the insert with
// an error, and the next one is whole.
func TestInsert_afterAnEarlyAnswer(t *testing.T) {
	var bodies [][]byte
	early := true
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if early {
			early = false
			conn, _, err := http.NewResponseController(w).Hijack()
			if err != nil {
				t.Error(err)
				return
			}
			_, _ = io.WriteString(conn, "HTTP/1.1 500 no\r\nX-ClickHouse-Exception-Code: 241\r\nContent-Length: 2\r\n\r\nno")
			_ = conn.Close()
			return
		}
		body, err := io.ReadAll(r.Body)
		if err != nil {
			t.Error(err)
		}
		bodies = append(bodies, body)
		w.Header().Set("X-ClickHouse-Query-Id", "1")
	}))
	defer server.Close()
	inserter := NewInserter(Config{URL: server.URL, User: "u"})
	defer inserter.Close()
	block := texts(100, 100_000)
	if err := inserter.Insert(t.Context(), "token", block); ClassOf(err) != ClassAway && ClassOf(err) != ClassMemory {
		t.Errorf("class %q of an early answer: %v", ClassOf(err), err)
	}
	for range 3 {
		if err := inserter.Insert(t.Context(), "token", block); err != nil {
			t.Fatal(err)
		}
	}
	if len(bodies) != 3 || len(bodies[0]) < 10_000_000 || slices.ContainsFunc(bodies, func(b []byte) bool { return !bytes.Equal(b, bodies[0]) }) {
		t.Errorf("%d bodies, not all the same", len(bodies))
	}
}
