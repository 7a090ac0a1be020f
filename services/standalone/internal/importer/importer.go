// Package importer sends files of historical events to a collector: lines of JSON
// as Segment, PostHog, Mixpanel and Amplitude export them.
//
// It speaks each protocol's own import, so history takes the way of live events: it
// is stored before it counts as sent, an event that was there already is a
// duplicate, and one that cannot be used is kept with the reason. Events keep their
// times, however old. Lines go out in their order, one request at a time. A line
// that holds no event is counted and passed over.
//
// How far a file has come stands in a file beside it, written after each answer, so
// an import that was broken off goes on where it was; what it sent twice then is
// recognised by the ids of its events.
package importer

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"time"
)

// Config is where events go and how.
type Config struct {
	// URL is the collector's, without a path.
	URL string
	// Key opens the project: a write key.
	Key string
	// Format is the one of the file; "" finds out by its first event.
	Format Format
	// Batch is the most events in a request.
	Batch int
	// Patience is for how long a collector that refuses or does not answer is asked
	// again.
	Patience time.Duration
}

const (
	// maxLine is the longest line that is sent: the largest event of a collector.
	maxLine = 1 << 20
	// maxBody is where a request ends; the largest body of a collector is 4 MiB.
	maxBody = 2 << 20
	// maxReported is how many faulty lines are shown one by one.
	maxReported = 20
)

// Deps is what an importer works with.
type Deps struct {
	Client *http.Client
	// Out is told of progress and of faulty lines.
	Out io.Writer
	Now func() time.Time
	// Wait returns after d, or with the error of ctx before.
	Wait func(ctx context.Context, d time.Duration) error
}

// Wait is the Wait of Deps for a program.
func Wait(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-timer.C:
		return nil
	}
}

// Counts is what became of the lines so far.
type Counts struct {
	// Lines is how many were read, blank ones included.
	Lines int64 `json:"lines"`
	// Accepted includes the duplicates.
	Accepted   int64 `json:"accepted"`
	Duplicates int64 `json:"duplicates"`
	// Dropped events are of a kind that is not stored, such as session recordings.
	Dropped int64 `json:"dropped"`
	// Rejected events are kept by the collector with the reason; Bad lines held no
	// event, or one that is too large to send.
	Rejected int64 `json:"rejected"`
	Bad      int64 `json:"bad"`
}

// Importer sends one input. It is used once.
type Importer struct {
	cfg  Config
	deps Deps

	format format
	batch  batch
	counts Counts
	// sent is the position behind the last line that was answered, number what
	// that line's is.
	sent     int64
	number   int64
	size     int64 // of the input, 0 when it is not known
	reported int
	told     time.Time
	// save keeps how far it has come; nil keeps nothing.
	save func() error
}

// New returns an importer.
func New(cfg Config, deps Deps) *Importer { return &Importer{cfg: cfg, deps: deps} }

// Stream sends what r holds, to its end.
func (m *Importer) Stream(ctx context.Context, r io.Reader) (Counts, error) {
	err := m.run(ctx, r)
	return m.counts, err
}

// File sends a file, from where an earlier import of it has come to.
func (m *Importer) File(ctx context.Context, path string) (counts Counts, err error) {
	f, err := os.Open(path)
	if err != nil {
		return Counts{}, fmt.Errorf("open input: %w", err)
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	info, err := f.Stat()
	if err != nil {
		return Counts{}, fmt.Errorf("open input: %w", err)
	}
	m.size = info.Size()
	if err := m.resume(f, path); err != nil {
		return Counts{}, err
	}
	err = m.run(ctx, f)
	return m.counts, err
}

func (m *Importer) run(ctx context.Context, r io.Reader) error {
	m.told = m.deps.Now()
	if m.cfg.Format != "" {
		if err := m.use(m.cfg.Format); err != nil {
			return err
		}
	}
	lines := newLines(r, m.sent)
	for {
		line, err := lines.next()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return errors.Join(fmt.Errorf("read input: %w", err), m.flush(ctx))
		}
		m.counts.Lines++
		if err := m.line(ctx, line); err != nil {
			return err
		}
	}
	if err := m.flush(ctx); err != nil {
		return err
	}
	return m.tell(true)
}

// line takes the next line into the batch.
func (m *Importer) line(ctx context.Context, l line) error {
	if l.blank() || !l.object() {
		m.batch.end, m.batch.line = l.end, m.counts.Lines
		if l.blank() {
			return nil
		}
		return m.bad(m.counts.Lines, l.problem())
	}
	if m.format.name == "" {
		if err := m.use(detect(l.text)); err != nil {
			return fmt.Errorf("line %d: %w", m.counts.Lines, err)
		}
	}
	if m.batch.full(m.cfg.Batch, len(l.text)) {
		if err := m.flush(ctx); err != nil {
			return err
		}
	}
	m.batch.add(&m.format, l, m.counts.Lines)
	return nil
}

func (m *Importer) use(name Format) error {
	for _, f := range formats() {
		if f.name == name {
			m.format = f
			return nil
		}
	}
	if name == "" {
		return fmt.Errorf("%w: want --format of %s", ErrUnknownFormat, Formats())
	}
	return fmt.Errorf("%w: want %s, got %q", ErrUnknownFormat, Formats(), name)
}

// flush sends the batch and notes that it is through.
func (m *Importer) flush(ctx context.Context) error {
	if len(m.batch.events) > 0 {
		if err := m.send(ctx, m.batch.events); err != nil {
			return err
		}
	}
	if m.batch.end > m.sent {
		m.sent, m.number = m.batch.end, m.batch.line
	}
	m.batch.reset()
	if m.save != nil {
		if err := m.save(); err != nil {
			return err
		}
	}
	return m.tell(false)
}

// bad counts a line that is not sent.
func (m *Importer) bad(number int64, why string) error {
	m.counts.Bad++
	return m.report(fmt.Sprintf("line %d: %s\n", number, why))
}

// report shows a fault, unless there were many.
func (m *Importer) report(text string) error {
	if m.reported++; m.reported == maxReported+1 {
		text = "further faulty lines are counted only\n"
	} else if m.reported > maxReported {
		return nil
	}
	_, err := io.WriteString(m.deps.Out, text)
	return err
}

// tell shows how far the import has come, once a second and at its end.
func (m *Importer) tell(end bool) error {
	now := m.deps.Now()
	if !end && now.Sub(m.told) < time.Second {
		return nil
	}
	m.told = now
	share := ""
	if m.size > 0 {
		share = fmt.Sprintf(" (%d %% of the file)", 100*min(m.sent, m.size)/m.size)
	}
	c := &m.counts
	_, err := fmt.Fprintf(m.deps.Out, "%d lines%s: %d events accepted, %d of them duplicates, %d rejected, %d dropped; %d bad lines\n",
		m.number, share, c.Accepted, c.Duplicates, c.Rejected, c.Dropped, c.Bad)
	return err
}
