package analytics

import (
	"bufio"
	"fmt"
	"hash/fnv"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"
)

// vector is a stream with questions about it, out of a file of testdata.
type vector struct {
	name   string
	stream Stream
	evals  []eval
}

// eval is a question and the answer to it.
type eval struct {
	query  query
	expect []string
	// place is file:line.
	place string
}

// query is a question that both the reference and a view can answer.
type query interface {
	// reference returns the answer of this package.
	reference(Stream) []string
	// view returns the call of the view for a project, all columns.
	view(project string) string
	// read returns a row of that call.
	read(scan func(...any) error) (string, error)
}

// monday0 is the time from which vectors count.
var monday0 = time.Date(2026, 1, 5, 0, 0, 0, 0, time.UTC)

func TestVectors(t *testing.T) {
	asked := map[string]int{}
	for _, v := range readVectors(t) {
		for _, e := range v.evals {
			asked[fmt.Sprintf("%T", e.query)]++
			compareRows(t, e.place, e.query.reference(v.stream), e.expect)
		}
	}
	for _, q := range []query{funnelQuery{}, dropOffQuery{}, retentionQuery{}} {
		if kind := fmt.Sprintf("%T", q); asked[kind] < 5 {
			t.Errorf("%s: have %d vectors, want 5 or more", kind, asked[kind])
		}
	}
}

func readVectors(t *testing.T) []vector {
	t.Helper()
	files, err := filepath.Glob("testdata/*.txt")
	if err != nil || len(files) == 0 {
		t.Fatalf("found no vectors: %v", err)
	}
	var all []vector
	for _, file := range files {
		vectors, err := readVectorFile(file)
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, vectors...)
	}
	return all
}

func readVectorFile(file string) ([]vector, error) {
	f, err := os.Open(file)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	r := vectorReader{file: filepath.Base(file)}
	lines := bufio.NewScanner(f)
	for lines.Scan() {
		r.line++
		text, _, _ := strings.Cut(lines.Text(), "#")
		if words := strings.Fields(text); len(words) > 0 {
			if err := r.take(words); err != nil {
				return nil, fmt.Errorf("%s:%d: %w", r.file, r.line, err)
			}
		}
	}
	return r.vectors, lines.Err()
}

type vectorReader struct {
	file      string
	line      int
	vectors   []vector
	zone      *time.Location
	expecting bool
}

func (r *vectorReader) take(words []string) (err error) {
	if words[0] == "load" {
		name := fmt.Sprintf("%s:%d", r.file, r.line)
		r.vectors = append(r.vectors, vector{name: name, stream: Stream{Overrides: map[uint64]uint64{}}})
		r.expecting = false
		r.zone, err = time.LoadLocation(newParams(words[1:])["zone"])
		return err
	}
	if len(r.vectors) == 0 {
		return fmt.Errorf("want load first")
	}
	v := &r.vectors[len(r.vectors)-1]
	switch {
	case words[0] == "eval" && len(words) > 2:
		p := newParams(words[2:])
		r.expecting = false
		q, err := newQuery(words[1], p)
		v.evals = append(v.evals, eval{query: q, place: fmt.Sprintf("%s:%d", r.file, r.line)})
		return err
	case words[0] == "expect":
		r.expecting = true
		return nil
	case r.expecting:
		e := &v.evals[len(v.evals)-1]
		e.expect = append(e.expect, strings.Join(words, " "))
		return nil
	case words[0] == "merge" && len(words) == 3:
		v.stream.Overrides[personID(v.name, words[1])] = personID(v.name, words[2])
		return nil
	case len(words) >= 3:
		e, err := r.event(v.name, words)
		v.stream.Events = append(v.stream.Events, e)
		return err
	}
	return fmt.Errorf("cannot read %q", words)
}

func (r *vectorReader) event(stream string, words []string) (Event, error) {
	after, err := time.ParseDuration(words[2])
	if err != nil {
		return Event{}, err
	}
	at := monday0.Add(after)
	e := Event{Person: personID(stream, words[0]), Name: words[1], Time: at.UnixMilli(), Day: dayOf(at, r.zone), Offset: uint64(r.line)}
	for _, word := range words[3:] {
		if word == "bot" {
			e.Bot = true
			continue
		}
		if n, err := fmt.Sscanf(word, "at=%d/%d", &e.Partition, &e.Offset); n != 2 {
			return Event{}, fmt.Errorf("cannot read %q: %w", word, err)
		}
	}
	return e, nil
}

// personID makes an id out of a name. Overrides are keyed by the id alone, so no
// two streams may share one.
func personID(stream, name string) uint64 {
	h := fnv.New64a()
	fmt.Fprintf(h, "%s/%s", stream, name)
	return h.Sum64()
}

// dayOf returns the day of a time in a zone, counted from 1970-01-01.
func dayOf(t time.Time, zone *time.Location) int32 {
	y, m, d := t.In(zone).Date()
	return int32(time.Date(y, m, d, 0, 0, 0, 0, time.UTC).Unix() / (24 * 60 * 60))
}

type params map[string]string

func newParams(words []string) params {
	p := params{}
	for _, word := range words {
		key, value, _ := strings.Cut(word, "=")
		p[key] = value
	}
	return p
}

// take reads a parameter and removes it, so that what is left over was not known.
func (p params) take(key string, read func(string) error) error {
	value, ok := p[key]
	if !ok {
		return fmt.Errorf("want parameter %s", key)
	}
	delete(p, key)
	if err := read(value); err != nil {
		return fmt.Errorf("parameter %s: %w", key, err)
	}
	return nil
}

func (p params) number(key string, into *int64) error {
	return p.take(key, func(s string) (err error) {
		*into, err = strconv.ParseInt(s, 10, 64)
		return err
	})
}

func (p params) time(key string, into *int64) error {
	return p.take(key, func(s string) error {
		after, err := time.ParseDuration(s)
		*into = monday0.Add(after).UnixMilli()
		return err
	})
}

func (p params) text(key string, into *string) error {
	return p.take(key, func(s string) error { *into = s; return nil })
}

// compareRows reports the first difference between two answers.
func compareRows(t *testing.T, place string, have, want []string) bool {
	t.Helper()
	for i := range max(len(have), len(want)) {
		h, w := "(no row)", "(no row)"
		if i < len(have) {
			h = have[i]
		}
		if i < len(want) {
			w = want[i]
		}
		if h != w {
			t.Errorf("%s: row %d:\nhave %s\nwant %s", place, i+1, h, w)
			return false
		}
	}
	return true
}
