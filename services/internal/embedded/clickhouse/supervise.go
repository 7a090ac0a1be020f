package clickhouse

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/cenkalti/backoff/v4"
	"go.uber.org/zap"
)

// An engine that dies is started again after 100 ms, and after up to 10 s if it
// dies soon after each start.
const (
	firstWait   = 100 * time.Millisecond
	longestWait = 10 * time.Second
	// steadyAfter is the age at which a death counts as the first one.
	steadyAfter = 30 * time.Second
	// giveUpAfter is how long no start may succeed.
	giveUpAfter = 2 * time.Minute
)

// supervise keeps the engine running until Stop.
func (s *Server) supervise() {
	ctx, cancel := context.WithCancel(context.Background())
	go func() {
		<-s.stop
		cancel()
	}()
	err := s.keepRunning(ctx)
	s.err = errors.Join(err, s.lock.Close())
	close(s.done)
	s.stopOnce.Do(func() { close(s.stop) })
}

// keepRunning returns nil when ctx has ended and the engine with it.
func (s *Server) keepRunning(ctx context.Context) error {
	waits := backoff.NewExponentialBackOff(
		backoff.WithInitialInterval(firstWait),
		backoff.WithMaxInterval(longestWait),
		backoff.WithMaxElapsedTime(0),
	)
	for {
		begin := time.Now()
		p := s.current()
		select {
		case <-ctx.Done():
			return s.stopProcess(p)
		case <-p.done:
		}
		if time.Since(begin) >= steadyAfter {
			waits.Reset()
		}
		s.log.Error("clickhouse died", zap.Int("pid", p.pid()), zap.Error(p.exit()), zap.Strings("logs", s.Logs()))
		if started, err := s.startAgain(ctx, waits); !started {
			return err
		}
	}
}

// startAgain returns true when the engine answers, and false when ctx has ended
// or it gives up.
func (s *Server) startAgain(ctx context.Context, waits backoff.BackOff) (bool, error) {
	died := time.Now()
	for {
		select {
		case <-ctx.Done():
			return false, nil
		case <-time.After(waits.NextBackOff()):
		}
		err := s.startEngine(ctx)
		if err == nil {
			s.mu.Lock()
			s.restarts++
			s.mu.Unlock()
			return true, nil
		}
		if ctx.Err() != nil {
			return false, nil
		}
		if time.Since(died) > giveUpAfter {
			return false, fmt.Errorf("start clickhouse again: %w", err)
		}
		s.log.Error("clickhouse did not start again", zap.Error(err))
	}
}

func (s *Server) stopProcess(p *process) error {
	killed, err := p.stop(s.cfg.StopTimeout)
	if err != nil {
		return fmt.Errorf("stop clickhouse: %w", err)
	}
	s.log.Info("clickhouse has ended", zap.Int("pid", p.pid()), zap.Bool("killed", killed))
	return nil
}
