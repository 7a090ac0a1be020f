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
	// lookForLogins is how often the file of logins is looked at.
	lookForLogins = time.Second
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
		died := s.watch(ctx, p)
		if ctx.Err() != nil {
			return s.stopProcess(p)
		}
		if time.Since(begin) >= steadyAfter {
			waits.Reset()
		}
		if died {
			s.log.Error("clickhouse died", zap.Int("pid", p.pid()), zap.Error(p.exit()), zap.Strings("logs", s.Logs()))
		} else if err := s.stopProcess(p); err != nil {
			return err
		}
		if started, err := s.startAgain(ctx, waits); !started {
			return err
		}
		if died {
			s.mu.Lock()
			s.restarts++
			s.mu.Unlock()
		}
	}
}

// watch returns when the process has died, or must be started again because there
// are other logins, or ctx has ended.
func (s *Server) watch(ctx context.Context, p *process) (died bool) {
	look := time.NewTicker(lookForLogins)
	defer look.Stop()
	for {
		select {
		case <-ctx.Done():
			return false
		case <-p.done:
			return true
		case <-look.C:
		}
		changed, err := s.loginsChanged()
		if err != nil {
			s.log.Error("clickhouse goes on with the logins it has", zap.Error(err))
		}
		if changed {
			s.log.Info("clickhouse starts again to learn of other logins")
			return false
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
