package importer

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Errors that end an import; what was answered before stays sent.
var (
	// ErrRefused says that the collector refuses the events for a reason that asking
	// again does not change.
	ErrRefused = errors.New("refused")
	// ErrUnavailable says that the collector has not taken events for as long as
	// the configuration has patience.
	ErrUnavailable = errors.New("the collector does not take events")
)

// The pauses between attempts: from the first, doubled, to the longest. A collector
// that names a longer one is heeded.
const (
	firstPause   = 500 * time.Millisecond
	longestPause = 30 * time.Second
)

// maxAnswer is how much of an answer is read.
const maxAnswer = 1 << 20

// reply is what the collector said.
type reply struct {
	status  int
	after   time.Duration
	verdict string
	body    []byte
}

// send sends events until they are answered. A request that is too large is sent in
// halves; an event that is too large by itself is a bad line.
func (m *Importer) send(ctx context.Context, events []item) error {
	var waited time.Duration
	for pause := firstPause; ; pause = min(2*pause, longestPause) {
		r, err := m.post(ctx, events)
		switch {
		case ctx.Err() != nil:
			return ctx.Err()
		case err != nil:
			err = fmt.Errorf("%w: %w", ErrUnavailable, err)
		case r.status >= 200 && r.status < 300:
			return m.answered(events, r)
		case r.status == http.StatusRequestEntityTooLarge && len(events) > 1:
			half := len(events) / 2
			m.cfg.Batch = max(min(m.cfg.Batch, half), 1) // further ones would be too large as well
			if err := m.send(ctx, events[:half]); err != nil {
				return err
			}
			return m.send(ctx, events[half:])
		case r.status == http.StatusRequestEntityTooLarge:
			return m.bad(events[0].line, "larger than the collector takes")
		case r.status == http.StatusRequestTimeout || r.status == http.StatusTooManyRequests || r.status >= 500:
			err = fmt.Errorf("%w: status %d: %s", ErrUnavailable, r.status, shown(r.body))
		default:
			return fmt.Errorf("%w: status %d: %s", ErrRefused, r.status, shown(r.body))
		}
		wait := max(pause, r.after)
		if waited += wait; waited > m.cfg.Patience {
			return err
		}
		if err := m.deps.Wait(ctx, wait); err != nil {
			return err
		}
	}
}

// shown is what an answer says, for a message.
func shown(body []byte) string { return strconv.QuoteToASCII(string(body[:min(len(body), 200)])) }

func (m *Importer) post(ctx context.Context, events []item) (r reply, err error) {
	var body bytes.Buffer
	body.WriteString(m.format.open(m.cfg.Key))
	for i, e := range events {
		if i > 0 {
			body.WriteByte(',')
		}
		body.Write(m.batch.slab[e.from:e.to])
	}
	body.WriteString(m.format.closing)
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, strings.TrimRight(m.cfg.URL, "/")+m.format.path, &body)
	if err != nil {
		return reply{}, fmt.Errorf("build request: %w", err)
	}
	req.Header.Set("Content-Type", "application/json")
	if m.format.basic {
		req.SetBasicAuth(m.cfg.Key, "")
	}
	res, err := m.deps.Client.Do(req)
	if err != nil {
		return reply{}, err
	}
	defer func() { err = errors.Join(err, res.Body.Close()) }()
	r = reply{status: res.StatusCode, verdict: res.Header.Get("Touchline-Verdict")}
	if seconds, err := strconv.Atoi(res.Header.Get("Retry-After")); err == nil && seconds > 0 {
		r.after = time.Duration(min(seconds, 3600)) * time.Second
	}
	if r.body, err = io.ReadAll(io.LimitReader(res.Body, maxAnswer)); err != nil {
		return r, fmt.Errorf("read answer: %w", err)
	}
	return r, nil
}

// answered counts what became of the events, which must be all of them.
func (m *Importer) answered(events []item, r reply) error {
	counts := map[string]int64{}
	for part := range strings.SplitSeq(r.verdict, ", ") {
		name, text, _ := strings.Cut(part, "=")
		if n, err := strconv.ParseInt(text, 10, 64); err == nil {
			counts[name] = n
		}
	}
	if counts["accepted"]+counts["rejected"]+counts["dropped"] != int64(len(events)) {
		return fmt.Errorf("%w: of %d events the answer says %q; is this a collector?", ErrRefused, len(events), r.verdict)
	}
	m.counts.Accepted += counts["accepted"]
	m.counts.Duplicates += counts["duplicate"]
	m.counts.Rejected += counts["rejected"]
	m.counts.Dropped += counts["dropped"]
	if counts["rejected"] == 0 {
		return nil
	}
	listed := rejected(r.body)
	for _, at := range listed {
		if at.Index >= 0 && at.Index < len(events) {
			if err := m.report(fmt.Sprintf("line %d: rejected: %s\n", events[at.Index].line, at.Reason)); err != nil {
				return err
			}
		}
	}
	if len(listed) > 0 {
		return nil
	}
	return m.report(fmt.Sprintf("lines %d to %d: %d rejected\n", events[0].line, events[len(events)-1].line, counts["rejected"]))
}

// rejection is an event that an answer names.
type rejection struct {
	Index  int    `json:"index"`
	Reason string `json:"reason"`
	Field  string `json:"field"` // Mixpanel's name of it
}

// rejected reads the rejections out of an answer, in the way of each protocol.
func rejected(body []byte) []rejection {
	var a struct {
		Rejected []rejection      `json:"rejected"`
		Failed   []rejection      `json:"failed_records"`
		Events   map[string][]int `json:"rejected_events"`
	}
	if json.Unmarshal(body, &a) != nil {
		return nil // some protocols answer with a word
	}
	all := slices.Concat(a.Rejected, a.Failed)
	for i := range all {
		if all[i].Reason == "" {
			all[i].Reason = all[i].Field
		}
	}
	for reason, indices := range a.Events {
		for _, i := range indices {
			all = append(all, rejection{Index: i, Reason: reason})
		}
	}
	slices.SortFunc(all, func(a, b rejection) int { return a.Index - b.Index })
	return all
}
