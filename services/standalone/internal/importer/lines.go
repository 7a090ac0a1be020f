package importer

import (
	"bufio"
	"bytes"
	"errors"
	"io"

	"touchline.dev/services/internal/jsonscan"
)

// line is one line of the input; text holds until the next one is read.
type line struct {
	text []byte
	end  int64 // the position behind it
	long bool  // cut, because it is too long
}

func (l *line) blank() bool { return len(l.text) == 0 && !l.long }

// object reports whether the line holds a JSON object.
func (l *line) object() bool {
	return !l.long && jsonscan.KindOf(l.text) == jsonscan.Object && jsonscan.Valid(l.text) == nil
}

func (l *line) problem() string {
	switch {
	case l.long:
		return "longer than 1 MiB"
	case jsonscan.Valid(l.text) != nil:
		return "not JSON"
	}
	return "not a JSON object"
}

// lines reads an input line by line within bounded memory.
type lines struct {
	r      *bufio.Reader
	at     int64
	buffer []byte
}

func newLines(r io.Reader, at int64) *lines {
	return &lines{r: bufio.NewReaderSize(r, 256<<10), at: at}
}

// next returns the next line, without its end and the space around it, or io.EOF.
func (s *lines) next() (line, error) {
	s.buffer = s.buffer[:0]
	long, some := false, false
	for {
		piece, err := s.r.ReadSlice('\n')
		s.at += int64(len(piece))
		some = some || len(piece) > 0
		if long = long || len(s.buffer)+len(piece) > maxLine+2; !long {
			s.buffer = append(s.buffer, piece...)
		}
		switch {
		case errors.Is(err, bufio.ErrBufferFull):
			continue
		case err == io.EOF && !some:
			return line{}, io.EOF
		case err != nil && err != io.EOF:
			return line{}, err
		}
		text := bytes.TrimSpace(bytes.TrimPrefix(s.buffer, []byte("\ufeff")))
		return line{text: text, end: s.at, long: long}, nil
	}
}

// batch is the events of the next request.
type batch struct {
	slab   []byte
	events []item
	// end is the position behind the last line in it, line the number of that.
	end, line int64
}

// item is an event, from and to in the batch's slab, with the number of its line.
type item struct {
	from, to int
	line     int64
}

// full reports whether the next event of n bytes belongs into another request.
func (b *batch) full(most, n int) bool {
	return len(b.events) > 0 && (len(b.events) >= most || len(b.slab)+n > maxBody)
}

func (b *batch) add(f *format, l line, number int64) {
	from := len(b.slab)
	b.slab = f.encode(b.slab, l.text)
	b.events = append(b.events, item{from: from, to: len(b.slab), line: number})
	b.end, b.line = l.end, number
}

func (b *batch) reset() {
	b.slab, b.events = b.slab[:0], b.events[:0]
}
