// Package projects keeps the projects file of a running service up to date: it
// reads the file at the start, looks at it again every few seconds and whenever
// it is told to by SIGHUP, and hands out the newest good set.
//
// It guarantees that Current always answers, without a lock, with a complete set
// that was valid as a whole. A file that cannot be read, is wrong, or gives a
// project another time zone changes nothing: the set before it stays, and the
// log, a metric and Err say why.
package projects

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"os/signal"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"go.uber.org/zap"

	"touchline.dev/schemas/projects"
	"touchline.dev/services/internal/config"
	"touchline.dev/services/internal/telemetry"
)

// Config is the projects section of a service.
type Config struct {
	File     string        `yaml:"file" doc:"The projects file: which projects and write keys there are."`
	Interval time.Duration `yaml:"interval" doc:"How often the projects file is looked at. A change is taken up when it looks the same twice, so half-written files are not."`
}

// Default looks at the file every two seconds; the file itself must be given.
func Default() Config { return Config{Interval: 2 * time.Second} }

// Validate checks that a file is named and the interval is sensible.
func (c Config) Validate() error {
	var p config.Problems
	if c.File == "" {
		p.Addf("file", "want the path of a projects file")
	}
	if c.Interval < 10*time.Millisecond || c.Interval > time.Hour {
		p.Addf("interval", "want 10ms to 1h, got %v", c.Interval)
	}
	return p.Err()
}

// Deps are what a Watcher is given by its service.
type Deps struct {
	telemetry.Deps
	// Zones are the time zones by project in which days were cut so far, where
	// the service keeps a record of them; nil where it does not.
	Zones map[string]string
}

// ErrZoneChanged says that a file gives projects another time zone than the one
// their stored days were cut in.
var ErrZoneChanged = errors.New("the time zone of a project cannot change: its stored days would have to be cut anew")

// Watcher holds the newest good set of a projects file. Its methods may be
// called concurrently; Run is called once.
type Watcher struct {
	cfg     Config
	log     *zap.Logger
	current atomic.Pointer[projects.Set]
	fresh   prometheus.Gauge
	count   prometheus.Gauge

	mu    sync.Mutex        // guards the following
	zones map[string]string // of every project seen, also of those removed
	done  digest            // of the content that was decided on last
	seen  digest            // of the content at the last look
	err   error             // why the file's present content is not in use
}

type digest [sha256.Size]byte

// Watch reads the file, which must be good, and returns its Watcher. The set is
// only renewed while Run runs, and by Reload.
func Watch(cfg Config, deps Deps) (*Watcher, error) {
	if err := config.Check(cfg); err != nil {
		return nil, fmt.Errorf("check projects configuration: %w", err)
	}
	w := &Watcher{
		cfg: cfg, log: deps.Log, zones: maps.Clone(deps.Zones),
		fresh: prometheus.NewGauge(prometheus.GaugeOpts{
			Name: "touchline_projects_file_ok",
			Help: "1 while the projects file as it stands is in use, 0 while an older version of it is because it was refused.",
		}),
		count: prometheus.NewGauge(prometheus.GaugeOpts{Name: "touchline_projects", Help: "Projects in use."}),
	}
	if w.zones == nil {
		w.zones = map[string]string{}
	}
	data, err := w.read()
	if err != nil {
		return nil, err
	}
	if err := w.apply(data, sha256.Sum256(data)); err != nil {
		return nil, err
	}
	for _, c := range []prometheus.Collector{w.fresh, w.count} {
		if err := deps.Metrics.Register(c); err != nil {
			return nil, fmt.Errorf("register projects metrics: %w", err)
		}
	}
	return w, nil
}

// Current returns the newest good set, never nil. It takes no lock: ask it for
// every request, so that a removed key is refused as soon as the file is read.
func (w *Watcher) Current() *projects.Set { return w.current.Load() }

// Err returns why the file as it was last read is not in use; nil when it is.
func (w *Watcher) Err() error {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.err
}

// Reload reads the file and takes it up at once: the set is the file's when it
// returns, unless Err says why not.
func (w *Watcher) Reload() {
	w.mu.Lock()
	defer w.mu.Unlock()
	data, err := w.read()
	if err != nil {
		w.refuse(digest{}, err)
		return
	}
	w.take(data, sha256.Sum256(data))
}

// Run looks at the file at every interval, and reloads it when the process gets
// SIGHUP, until ctx ends, then returns nil.
func (w *Watcher) Run(ctx context.Context) error {
	hangup := make(chan os.Signal, 1)
	signal.Notify(hangup, syscall.SIGHUP)
	defer signal.Stop(hangup)
	tick := time.NewTicker(w.cfg.Interval)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-hangup:
			w.Reload()
		case <-tick.C:
			w.look()
		}
	}
}

// look takes the file up when it has changed and was the same at the look
// before: a file cut short in the middle of writing may be a valid one with
// fewer projects. Its content is compared, not its time, which may stand still
// between two writes.
func (w *Watcher) look() {
	w.mu.Lock()
	defer w.mu.Unlock()
	var sum digest
	data, err := w.read()
	if err == nil {
		sum = sha256.Sum256(data)
	}
	settled := sum == w.seen
	w.seen = sum
	switch {
	case !settled:
	case err != nil && w.err == nil, err != nil && err.Error() != w.err.Error():
		w.refuse(sum, err)
	case err == nil && sum != w.done:
		w.take(data, sum)
	}
}

// take applies the content or records why not.
func (w *Watcher) take(data []byte, sum digest) {
	before := w.current.Load()
	if err := w.apply(data, sum); err != nil {
		w.refuse(sum, err)
		return
	}
	added, removed := compare(before, w.current.Load())
	w.log.Info("projects file read", zap.String("file", w.cfg.File),
		zap.Int("projects", len(w.current.Load().All())), zap.Int("added", added), zap.Int("removed", removed))
}

// apply makes the content the current set, or changes nothing.
func (w *Watcher) apply(data []byte, sum digest) error {
	set, err := projects.Parse(data)
	if err != nil {
		return fmt.Errorf("parse projects file: %w", err)
	}
	if changed := set.ZoneChanges(w.zones); len(changed) > 0 {
		return fmt.Errorf("compare projects %s with those before: %w", strings.Join(changed, ", "), ErrZoneChanged)
	}
	maps.Copy(w.zones, set.Zones())
	w.current.Store(set)
	w.done, w.seen, w.err = sum, sum, nil
	w.fresh.Set(1)
	w.count.Set(float64(len(set.All())))
	return nil
}

// refuse records why the file is not in use.
func (w *Watcher) refuse(sum digest, err error) {
	w.done, w.seen, w.err = sum, sum, err
	w.fresh.Set(0)
	w.log.Error("projects file refused, the one before it stays in use",
		zap.String("file", w.cfg.File), zap.Strings("problems", shorten(err)))
}

// shorten returns the lines of an error, at most twenty.
func shorten(err error) []string {
	const most = 20
	lines := strings.Split(err.Error(), "\n")
	if n := len(lines); n > most {
		lines = append(lines[:most:most], fmt.Sprintf("and %d more", n-most))
	}
	return lines
}

func (w *Watcher) read() ([]byte, error) {
	f, err := os.Open(w.cfg.File)
	if err != nil {
		return nil, fmt.Errorf("read projects file: %w", err)
	}
	defer f.Close()
	// One byte more than Parse takes, so that it refuses a longer file.
	data, err := io.ReadAll(io.LimitReader(f, projects.MaxFileBytes+1))
	if err != nil {
		return nil, fmt.Errorf("read projects file: %w", err)
	}
	return data, nil
}

// compare counts the projects that only one of two sets has.
func compare(before, after *projects.Set) (added, removed int) {
	for _, p := range after.All() {
		if _, ok := before.Project(p.ID); !ok {
			added++
		}
	}
	for _, p := range before.All() {
		if _, ok := after.Project(p.ID); !ok {
			removed++
		}
	}
	return added, removed
}
