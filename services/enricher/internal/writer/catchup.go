package writer

import (
	"context"
	"fmt"
	"time"

	"go.uber.org/zap"

	"touchline.dev/schemas/event"
	"touchline.dev/schemas/topics"
	"touchline.dev/services/enricher/internal/dedup"
	"touchline.dev/services/enricher/internal/session"
	"touchline.dev/services/internal/checkpoint"
	"touchline.dev/services/internal/denselog"
	"touchline.dev/services/internal/kafka"
)

const (
	windowMillis = int64(topics.DedupWindow / time.Millisecond)
	marginMillis = int64(topics.DedupMargin / time.Millisecond)
	keepMillis   = int64(session.Keep / time.Millisecond)
	// scanBatch is how many records are noted at once.
	scanBatch = 4096
	// scanReport is how often a long scan is logged.
	scanReport = 10 * time.Second
)

// catchUp makes the index know every event before the committed offset that a
// later record could repeat, makes the sessions and links that one could meet, and
// finds out the partition's time there. It reads the dense log, which says what
// became of each event: deciding the raw records of a window again would not do,
// because what repeats an event from before the window would pass for a first
// occurrence, and the rules may have changed.
//
// A kept index lacks at most what a crash took. A lost or stale one is completed
// from the first record within topics.DedupWindow of the partition's time at the
// committed offset. That is found by the times in the records themselves, which
// never fall, so no margin is needed: whatever is older can answer nothing any
// more. The result is exactly the index that was kept, as far as the dense log
// reaches back; topics.MinRetention sees to that.
//
// Sessions and links are kept nowhere else. They are read from the first record within
// session.Keep of that time up to the committed offset, and not beyond: what is
// decided again then meets what it met the first time.
func (pw *partition) catchUp(ctx context.Context, dense denseLog, o checkpoint.Opening) error {
	// Before this offset of the dense log stands what came by another raw log.
	epoch := int64(o.State.Epoch)
	last, found, err := dense.locate(ctx, epoch, o.Offset-1)
	if err != nil {
		return err
	}
	if !found {
		if err := pw.withoutHistory(o); err != nil {
			return err
		}
		if dense.end == dense.start || last.Prev != o.Offset-1 {
			return nil
		}
	}
	if pw.index.Next() > o.Offset && pw.index.Clock()-last.clock > marginMillis {
		pw.log.Warn("deduplication index has forgotten what the committed offset goes back to, is rebuilt",
			zap.Int64("committed", o.Offset), zap.Int64("index", pw.index.Next()))
		if err := pw.index.Reset(); err != nil {
			return err
		}
	}
	s := scan{
		partition: pw, dense: dense, epoch: epoch, committed: o.Offset, known: pw.index.Next(),
		until: last.clock + marginMillis, recent: last.clock - keepMillis, clock: pw.clock,
	}
	if found {
		err = s.window(ctx, last.clock-windowMillis, last.offset)
	} else {
		err = s.run(ctx, last.offset)
	}
	if err != nil {
		return err
	}
	pw.clock, pw.mark = s.clock, max(o.Offset-1, s.mark.Src())
	return nil
}

// withoutHistory begins where the dense log has nothing from before the committed
// offset: at the start of everything, after long silence, or in a new dense log.
func (pw *partition) withoutHistory(o checkpoint.Opening) error {
	pw.mark = o.Offset - 1
	if next := pw.index.Next(); next > o.Offset && o.Offset <= o.Start {
		// All there is will be decided again, which makes the index again.
		return pw.index.Reset()
	} else if next != o.Offset && o.Offset > o.Start {
		pw.log.Warn("the dense log does not reach back to the committed offset: only repeats that the deduplication index knows are recognised",
			zap.Int64("committed", o.Offset), zap.Int64("index", next))
	}
	pw.clock = pw.index.Clock()
	return nil
}

// scan completes an index from the dense log, and makes sessions and links.
type scan struct {
	*partition
	dense denseLog
	// known is the raw offset from which the index lacks entries.
	epoch, committed, known int64
	// until is the time behind which records are left to be decided again: to note
	// them would make the index forget what the committed offset goes back to.
	until int64
	// recent is the time from which records say what sessions and links have to know.
	recent int64
	// enriched is the record that is being read.
	enriched event.Enriched

	mark denselog.Mark
	// began is set with the first record of the present raw log; first is the raw
	// offset that it answers.
	began bool
	first int64
	// clock is the partition's time at the committed offset.
	clock int64
}

// lacks reports whether the index is new or ends before the committed offset.
func (s *scan) lacks() bool { return s.known == 0 || s.known < s.committed }

// window reads what the index lacks of the window that begins at that time, and what
// sessions and links need. Where to begin is right when the records behind follow each
// other up to the committed offset. It is not right when it was found in the repeats
// of a writer that was thought dead; then it is looked for further ahead. last is the
// place of the record before the committed offset.
func (s *scan) window(ctx context.Context, begin, last int64) error {
	part := s.dense
	for nth := range seekAgain {
		early, found, err := part.seek(ctx, func(p position) bool {
			return p.clock < s.recent && (!s.lacks() || p.clock < begin || s.known > 0 && (p.offset < s.epoch || p.Src < s.known))
		})
		if err != nil {
			return err
		}
		from := s.dense.start
		if found {
			from = early.offset
		} else if from > 0 && nth == 0 && s.lacks() {
			s.log.Warn("the dense log begins within the deduplication window: repeats of older events are not recognised", zap.Int64("from", from))
		}
		if err := s.run(ctx, from); err != nil {
			return err
		}
		if !s.began || s.mark.Src() >= s.committed-1 {
			return nil
		}
		part = s.dense.before(from, nth)
	}
	if !s.lacks() {
		return s.run(ctx, last)
	}
	return fmt.Errorf("no way through the dense log leads up to source offset %d", s.committed-1)
}

// run reads the dense log from that offset to its end.
func (s *scan) run(ctx context.Context, from int64) error {
	dense := s.dense
	s.mark, s.began = denselog.NewMark(denselog.None), false
	start, reported, n := time.Now(), time.Now(), int64(0)
	if s.lacks() {
		s.log.Info("deduplication index is completed from the dense log", zap.Int64("known", s.known),
			zap.Int64("committed", s.committed), zap.Int64("records", dense.end-from))
	}
	metrics := s.w.metrics
	defer metrics.scanEnded(s.p.ID())
	reach := reach{next: s.known, clock: s.index.Clock()}
	apply := func() error {
		metrics.scanning(s.p.ID(), dense.end-from-n)
		s.p.Beat()
		return s.index.Apply(reach.next, reach.clock)
	}
	err := dense.scan(ctx, from, dense.end, func(p position) error {
		if p.clock <= s.until {
			if err := s.take(p); err != nil {
				return err
			}
			reach.next, reach.clock = max(reach.next, s.mark.Src()+1), max(reach.clock, p.clock)
		}
		n++
		if n%scanBatch != 0 {
			return nil
		}
		if time.Since(reported) > scanReport {
			reported = time.Now()
			s.log.Info("deduplication index is completed from the dense log", zap.Int64("read", n), zap.Int64("of", dense.end-from))
		}
		select {
		case <-s.p.Draining():
			return kafka.ErrDraining
		default:
			return apply()
		}
	})
	metrics.scanSeconds.Add(time.Since(start).Seconds())
	if err != nil {
		return err
	}
	if s.lacks() {
		s.log.Info("deduplication index is complete", zap.Int64("read", n), zap.Duration("took", time.Since(start)))
	}
	return apply()
}

// take notes one record.
func (s *scan) take(p position) error {
	if p.offset < s.epoch {
		s.clock = max(s.clock, p.clock)
		if s.known == 0 {
			s.note(p, dedup.BeforeAll)
		}
		return s.restore(p)
	}
	if !s.began {
		s.began, s.first, s.mark = true, p.Src, denselog.NewMark(p.Prev)
	}
	// A record from before the one that the scan began with is needed only if that
	// one was no reader's: it then lies behind a hole that was filled later.
	if s.mark.Judge(p.Position, time.Time{}) != denselog.Take && p.Src >= s.first {
		return nil
	}
	if p.Src >= s.known {
		s.note(p, p.Src)
	}
	if p.Src >= s.committed {
		return nil
	}
	s.clock = max(s.clock, p.clock)
	return s.restore(p)
}

// note lets the index know what it lacks.
func (s *scan) note(p position, src int64) {
	s.w.metrics.scanned.Inc()
	if p.idKey != "" {
		s.index.Add(p.id, src, p.clock)
	}
}

// restore lets the sessions and links know of a record.
func (s *scan) restore(p position) error {
	if p.Outcome != event.Stored || p.clock < s.recent {
		return nil
	}
	if err := s.enriched.Decode(p.value); err != nil {
		return fmt.Errorf("read %s offset %d: %w", topics.Enriched, p.offset, err)
	}
	s.sessions.Restore(s.enriched.Project, &s.enriched.Touchpoint, p.clock)
	s.links.Restore(s.enriched.Project, &s.enriched.Touchpoint, p.clock)
	return nil
}
