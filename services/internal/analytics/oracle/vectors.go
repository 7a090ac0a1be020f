package oracle

import (
	"bufio"
	"errors"
	"fmt"
	"hash/fnv"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"touchline.dev/services/internal/analytics"
)

// Reader makes a question of a vector's parameters.
type Reader func(Params) (Question, error)

// vector is a stream with questions about it.
type vector struct {
	Project
	evals []eval
}

// eval is a question and the answer to it.
type eval struct {
	view     string
	question Question
	expect   []string
	// place is file:line.
	place string
}

// monday0 is the time from which vectors count.
var monday0 = time.Date(2026, 1, 5, 0, 0, 0, 0, time.UTC)

// Golden puts the vectors of files to the reference and to ClickHouse. Readers are
// by the name of the object; all that the package answers for must be asked, in every
// mode.
func Golden(t *testing.T, w *World, files string, readers map[string]Reader) {
	t.Helper()
	vectors, err := readVectors(files, readers)
	if err != nil {
		t.Fatal(err)
	}
	var projects []Project
	duties := duties(t)
	checkObjects(t, "readers of vectors", duties, readers)
	have := tally{modes: map[string]bool{}}
	for _, v := range vectors {
		projects = append(projects, v.Project)
		for _, e := range v.evals {
			have.questions++
			have.rows += len(e.expect)
			// What has no answer says little.
			for _, name := range Asked(e.question, e.view, duties[e.view]) {
				have.modes[e.view+": "+name] = have.modes[e.view+": "+name] || len(e.expect) > 0
			}
			have.modes[e.view] = have.modes[e.view] || len(e.expect) > 0
			Same(t, e.place+": reference", e.question.Reference(v.Stream), e.expect)
		}
	}
	for object, modes := range duties {
		if !have.modes[object] {
			t.Errorf("no vector asks %s", object)
		}
		for _, m := range modes {
			if !have.modes[object+": "+m.Name] {
				t.Errorf("no vector asks %s for %s", object, m.Name)
			}
		}
	}
	t.Logf("%d vectors: %s", len(vectors), have)
	w.Load(t, rand.New(rand.NewPCG(1, 1)), projects)
	for _, v := range vectors {
		for _, e := range v.evals {
			sql := e.question.SQL(v.Name)
			answers, err := Ask(t, w.BI, sql)
			if err != nil {
				t.Errorf("%s: %v", e.place, err)
				continue
			}
			if Same(t, e.place+": "+sql, answers[v.Name], e.expect) && len(answers) > 1 {
				t.Errorf("%s: rows of other projects: %v", e.place, answers)
			}
		}
	}
}

func readVectors(pattern string, readers map[string]Reader) ([]vector, error) {
	files, err := filepath.Glob(pattern)
	if err != nil || len(files) == 0 {
		return nil, fmt.Errorf("found no vectors in %s: %w", pattern, err)
	}
	var all []vector
	for _, file := range files {
		vectors, err := readFile(file, readers)
		if err != nil {
			return nil, err
		}
		all = append(all, vectors...)
	}
	return all, nil
}

func readFile(file string, readers map[string]Reader) ([]vector, error) {
	f, err := os.Open(file)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	r := fileReader{file: filepath.Base(file), readers: readers}
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

// fileReader is the state of reading a file of vectors.
type fileReader struct {
	file      string
	line      int
	readers   map[string]Reader
	vectors   []vector
	expecting bool
}

func (r *fileReader) take(words []string) error {
	if words[0] == "load" {
		return r.load(words[1:])
	}
	if len(r.vectors) == 0 {
		return errors.New("want load first")
	}
	v := &r.vectors[len(r.vectors)-1]
	switch {
	case words[0] == "eval" && len(words) > 1:
		return r.eval(v, words[1], NewParams(words[2:]))
	case words[0] == "expect" && len(v.evals) > 0:
		r.expecting = true
		return nil
	case r.expecting:
		e := &v.evals[len(v.evals)-1]
		e.expect = append(e.expect, strings.Join(words, " "))
		return nil
	case words[0] == "merge" && len(words) == 3:
		v.Overrides[PersonID(v.Name, words[1])] = PersonID(v.Name, words[2])
		return nil
	case len(words) >= 3:
		e, err := r.event(v, words)
		v.Events = append(v.Events, e)
		return err
	}
	return fmt.Errorf("cannot read %q", words)
}

func (r *fileReader) load(words []string) error {
	zone, err := time.LoadLocation(NewParams(words)["zone"])
	r.vectors = append(r.vectors, vector{Project: Project{
		Name:   fmt.Sprintf("%s:%d", r.file, r.line),
		Stream: analytics.Stream{Overrides: map[uint64]uint64{}, Zone: zone},
	}})
	r.expecting = false
	return err
}

func (r *fileReader) eval(v *vector, view string, p Params) error {
	read, ok := r.readers[view]
	if !ok {
		return fmt.Errorf("no view %q", view)
	}
	r.expecting = false
	p[projectParam] = v.Name
	q, err := read(p)
	delete(p, projectParam)
	if len(p) > 0 {
		err = errors.Join(err, fmt.Errorf("unknown parameters %v", p))
	}
	v.evals = append(v.evals, eval{view: view, question: q, place: fmt.Sprintf("%s:%d", r.file, r.line)})
	return err
}

// event reads "person name time attribute...".
func (r *fileReader) event(v *vector, words []string) (analytics.Event, error) {
	after, err := time.ParseDuration(words[2])
	if err != nil {
		return analytics.Event{}, err
	}
	at := monday0.Add(after)
	e := analytics.Event{
		Person: PersonID(v.Name, words[0]), Name: words[1], Time: at.UnixMilli(), Day: DayOf(at, v.Zone),
		Offset: uint64(r.line), Type: "track",
	}
	switch e.Name {
	case "page_view":
		e.Type, e.Kind = "page", e.Name
	case "screen_view":
		e.Type, e.Kind = "screen", e.Name
	}
	for _, word := range words[3:] {
		if err := attribute(&e, v.Name, word); err != nil {
			return e, fmt.Errorf("cannot read %q: %w", word, err)
		}
	}
	return e, nil
}

// attribute reads "key=value" into an event; "_" in a value stands for a blank.
func attribute(e *analytics.Event, stream, word string) (err error) {
	key, value, _ := strings.Cut(word, "=")
	if name, ok := strings.CutPrefix(key, "prop."); ok {
		if e.Properties == nil {
			e.Properties = map[string]string{}
		}
		e.Properties[name] = value
		return nil
	}
	texts := map[string]*string{
		"kind": &e.Kind, "type": &e.Type, "path": &e.Path, "title": &e.Title,
		"channel": &e.Channel, "acq": &e.Acquisition, "source": &e.Source, "medium": &e.Medium, "campaign": &e.Campaign,
		"device": &e.Device, "country": &e.Country, "referrer": &e.Referrer, "user": &e.User, "anonymous": &e.Anonymous,
		"order": &e.Order, "currency": &e.Currency,
	}
	if text, ok := texts[key]; ok {
		*text = strings.ReplaceAll(value, "_", " ")
		if slices.Contains([]string{"kind", "order"}, key) {
			*text = value
		}
		return nil
	}
	switch key {
	case "bot":
		e.Bot = true
	case "at":
		_, err = fmt.Sscanf(value, "%d/%d", &e.Partition, &e.Offset)
	case "session":
		e.Session = PersonID(stream, "session "+value)
	case "revenue":
		var amount float64
		amount, err = strconv.ParseFloat(value, 64)
		e.Revenue = int64(math.Round(amount * 10000))
		if e.Currency == "" {
			e.Currency = "EUR"
		}
	default:
		err = errors.New("no such attribute")
	}
	return err
}

// PersonID makes an id out of a name in a stream. Overrides are keyed by the id
// alone, so no two streams may share one.
func PersonID(stream, name string) uint64 {
	h := fnv.New64a()
	fmt.Fprintf(h, "%s/%s", stream, name)
	return h.Sum64()
}
