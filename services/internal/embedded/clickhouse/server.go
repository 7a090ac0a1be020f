package clickhouse

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"sync"
	"time"

	"go.uber.org/zap"
)

// Server is a running ClickHouse. Its methods may be called concurrently.
type Server struct {
	cfg        Config
	files      layout
	log        *zap.Logger
	port       int
	writer, bi Credentials
	lock       *os.File
	// loginsText is the file of logins that the engine's users come from.
	loginsText []byte

	stop     chan struct{}
	stopOnce sync.Once
	done     chan struct{}
	err      error // valid when done is closed

	mu       sync.Mutex
	process  *process
	restarts int
}

// Start starts a server and returns when it answers. ctx bounds only that: the
// server runs until Stop, or until this process ends. The error wraps ErrLocked
// if another server uses the directory.
func Start(ctx context.Context, cfg Config) (*Server, error) {
	if err := cfg.Validate(); err != nil {
		return nil, fmt.Errorf("start clickhouse: %w", err)
	}
	s := &Server{cfg: cfg, log: cfg.Log, stop: make(chan struct{}), done: make(chan struct{})}
	if s.log == nil {
		s.log = zap.NewNop()
	}
	if err := s.start(ctx); err != nil {
		return nil, fmt.Errorf("start clickhouse in %s: %w", cfg.Dir, err)
	}
	go s.supervise()
	return s, nil
}

func (s *Server) start(ctx context.Context) error {
	dir, err := filepath.Abs(s.cfg.Dir)
	if err != nil {
		return err
	}
	s.files = newLayout(dir)
	for _, path := range []string{dir, s.files.functions, s.files.passwords, filepath.Dir(s.files.log)} {
		if err := os.MkdirAll(path, 0o700); err != nil {
			return err
		}
	}
	if s.lock, err = lockFile(s.files.lock); err != nil {
		return err
	}
	err = s.prepare()
	if err == nil {
		err = s.startFirst(ctx)
	}
	if err != nil {
		return errors.Join(err, s.lock.Close())
	}
	return nil
}

// prepare writes the files that the engine reads.
func (s *Server) prepare() error {
	var err error
	if s.writer, err = readPassword(s.files.passwords, writerName); err != nil {
		return err
	}
	if s.bi, err = readPassword(s.files.passwords, biName); err != nil {
		return err
	}
	config, err := s.generated(nil).configXML()
	if err != nil {
		return err
	}
	if err := writeFile(s.files.config, config); err != nil {
		return fmt.Errorf("write configuration: %w", err)
	}
	if err := writeFile(filepath.Join(s.files.functions, "function_file.sql"), fileFunction); err != nil {
		return fmt.Errorf("write functions: %w", err)
	}
	readers, text, err := LoginsOf(s.files.dir).readers(s.bi)
	if err != nil {
		return err
	}
	s.loginsText = text
	return s.writeUsers(readers)
}

func (s *Server) generated(readers []reader) serverConfig {
	return serverConfig{
		Log: s.files.log, Users: s.files.users,
		MaxMemory: s.cfg.MaxMemory, Writer: s.writer, Readers: readers,
	}
}

// writeUsers writes the file of users, which the engine reads when it starts.
func (s *Server) writeUsers(readers []reader) error {
	users, err := s.generated(readers).usersXML()
	if err != nil {
		return err
	}
	if err := writeFile(s.files.users, users); err != nil {
		return fmt.Errorf("write users: %w", err)
	}
	return nil
}

// portAttempts bounds how often a free port may be lost to another program
// between its choice and its use.
const portAttempts = 5

// startFirst starts the engine for the first time, on a port of its choice if
// the configuration leaves it open.
func (s *Server) startFirst(ctx context.Context) error {
	if s.cfg.Port != 0 {
		s.port = s.cfg.Port
		return s.startEngine(ctx)
	}
	var err error
	for range portAttempts {
		if s.port, err = freePort(s.cfg.Host); err != nil {
			return err
		}
		if err = s.startEngine(ctx); !errors.Is(err, errPortTaken) {
			return err
		}
	}
	return err
}

// startEngine starts the engine on s.port and waits until it answers.
func (s *Server) startEngine(ctx context.Context) error {
	ctx, cancel := context.WithTimeoutCause(ctx, s.cfg.StartTimeout,
		fmt.Errorf("no answer in %v", s.cfg.StartTimeout))
	defer cancel()
	begin := time.Now()
	// The engine of a parent that was killed may still be about to end.
	lock, err := awaitLock(ctx, s.files.engineLock)
	if err != nil {
		return fmt.Errorf("wait for the previous engine: %w", err)
	}
	lost, err := forgetLost(s.files.data)
	if err != nil {
		return errors.Join(err, lock.Close())
	}
	if lost > 0 {
		s.log.Warn("parts that were not stored when clickhouse died are inserted when they are sent again", zap.Int("parts", lost))
	}
	p, err := startProcess(s.cfg, s.files, s.port, lock)
	if err := errors.Join(err, lock.Close()); err != nil {
		return err
	}
	if err := p.awaitReady(ctx, s.Addr(), s.writer); err != nil {
		return errors.Join(err, p.kill())
	}
	s.mu.Lock()
	s.process = p
	s.mu.Unlock()
	s.log.Info("clickhouse is ready", zap.String("address", s.Addr()), zap.Int("pid", p.pid()),
		zap.String("version", s.cfg.Engine.Version), zap.Duration("after", time.Since(begin)))
	return nil
}

// Addr returns host:port of the HTTP listener.
func (s *Server) Addr() string { return net.JoinHostPort(s.cfg.Host, strconv.Itoa(s.port)) }

// HTTPURL returns the address as a URL, without credentials and final slash.
func (s *Server) HTTPURL() string { return "http://" + s.Addr() }

// Writer returns the user that may do everything.
func (s *Server) Writer() Credentials { return s.writer }

// BI returns the user that may read the database analytics and nothing else.
func (s *Server) BI() Credentials { return s.bi }

// Logs returns the paths of ClickHouse's own log and of the engine's output.
func (s *Server) Logs() []string { return []string{s.files.log, s.files.output} }

// Pid returns the process id of the engine; a restart changes it.
func (s *Server) Pid() int { return s.current().pid() }

// Kill kills the engine as kill -9 does; the server starts it again.
func (s *Server) Kill() error {
	if err := s.current().kill(); err != nil {
		return fmt.Errorf("kill engine: %w", err)
	}
	return nil
}

func (s *Server) current() *process {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.process
}

// Restarts returns how often the engine died and answered again since Start.
func (s *Server) Restarts() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.restarts
}

// Done is closed when the server has ended: after Stop, or because its engine
// could not be started again.
func (s *Server) Done() <-chan struct{} { return s.done }

// Err returns, once Done is closed, why the server ended: nil after Stop.
// Before that it returns nil.
func (s *Server) Err() error {
	select {
	case <-s.done:
		return s.err
	default:
		return nil
	}
}

// Stop shuts the server down and returns when its process has ended: at the
// latest, by a kill, after the configured StopTimeout or when ctx ends. What was
// acknowledged is stored in any case.
func (s *Server) Stop(ctx context.Context) error {
	s.stopOnce.Do(func() { close(s.stop) })
	select {
	case <-s.done:
		return s.err
	case <-ctx.Done():
	}
	err := s.current().kill()
	<-s.done
	return errors.Join(s.err, err)
}
