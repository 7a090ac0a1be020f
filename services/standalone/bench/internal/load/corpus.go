package load

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// WriteKey is the key in the recorded requests. The projects file of the
// collector under load must have it.
const WriteKey = "wk_test"

// recordings are the requests whose track and page events are sent: browser and
// server SDKs, with a mean of about 760 bytes an event.
var recordings = []string{
	"segment-next/batch/003-POST_v1_b.json",
	"segment-node/default/001-POST_v1_batch.json",
	"segment-legacy-node/default/002-POST_v1_batch.json",
}

// Recorded requests whose headers are sent: those of a browser with one event,
// those of a server with a batch.
const (
	singleRecording = "segment-next/default/005-POST_v1_t.json"
	batchRecording  = "segment-node/default/001-POST_v1_batch.json"
)

// Corpus is what requests are made of. It may be used concurrently.
type Corpus struct {
	events []*template
	// single and batch are headers, without the line of the request and without
	// those that depend on connection and body.
	single, batch string
}

// recording is a recorded request.
type recording struct {
	Headers      [][2]string
	Body         string
	BodyEncoding string `json:"body_encoding"`
}

var errRecording = errors.New("is not a text with events")

// ReadCorpus reads the recordings below dir, schemas/testdata/sdk of a clone.
func ReadCorpus(dir string) (*Corpus, error) {
	c := &Corpus{}
	for _, name := range recordings {
		r, err := readRecording(dir, name)
		if err != nil {
			return nil, err
		}
		if err := c.addEvents(r); err != nil {
			return nil, fmt.Errorf("read recording %s: %w", name, err)
		}
	}
	for name, head := range map[string]*string{singleRecording: &c.single, batchRecording: &c.batch} {
		r, err := readRecording(dir, name)
		if err != nil {
			return nil, err
		}
		*head = headers(r)
	}
	return c, nil
}

func readRecording(dir, name string) (r recording, err error) {
	text, err := os.ReadFile(filepath.Join(dir, filepath.FromSlash(name)))
	if err == nil {
		err = json.Unmarshal(text, &r)
	}
	if err == nil && r.BodyEncoding != "utf8" {
		err = errRecording
	}
	if err != nil {
		return r, fmt.Errorf("read recording %s: %w", name, err)
	}
	return r, nil
}

func (c *Corpus) addEvents(r recording) error {
	var body struct {
		Batch []json.RawMessage
	}
	if err := json.Unmarshal([]byte(r.Body), &body); err != nil {
		return err
	}
	if len(body.Batch) == 0 {
		return errRecording
	}
	for _, recorded := range body.Batch {
		var e struct{ Type string }
		if err := json.Unmarshal(recorded, &e); err != nil {
			return err
		}
		if e.Type != "track" && e.Type != "page" {
			continue
		}
		t, err := newTemplate(recorded)
		if err != nil {
			return err
		}
		c.events = append(c.events, t)
	}
	return nil
}

func headers(r recording) string {
	var s strings.Builder
	for _, h := range r.Headers {
		if !slices.Contains([]string{"host", "connection", "content-length"}, strings.ToLower(h[0])) {
			s.WriteString(h[0] + ": " + h[1] + "\r\n")
		}
	}
	return s.String()
}

// MeanBytes is the mean size of an event, in bytes.
func (c *Corpus) MeanBytes() int {
	total := 0
	for _, t := range c.events {
		total += len(t.append(nil, &values{user: 12345}))
	}
	return total / len(c.events)
}
