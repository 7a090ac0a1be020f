package collector

import (
	"bytes"
	"context"
	"crypto/sha256"
	"crypto/tls"
	"fmt"
	"os"
	"os/signal"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"go.uber.org/zap"

	"touchline.dev/services/internal/config"
	"touchline.dev/services/internal/telemetry"
)

// TLS is the certificate of the public listener.
type TLS struct {
	CertFile string `yaml:"cert_file" doc:"PEM file with the certificate of the public listener and those above it. With it HTTPS and HTTP/2 are spoken, and nothing else. Empty for HTTP, behind a proxy."`
	KeyFile  string `yaml:"key_file" doc:"PEM file with the certificate's private key. Both files are looked at every ten seconds and on SIGHUP; a pair that does not fit together is refused, and the one before it stays."`
}

// enabled reports whether TLS is spoken.
func (t TLS) enabled() bool { return t != (TLS{}) }

// Validate checks that both files are named or none.
func (t TLS) Validate() error {
	var p config.Problems
	if t.CertFile == "" && t.KeyFile != "" {
		p.Addf("cert_file", "want a file, for key_file is given")
	}
	if t.KeyFile == "" && t.CertFile != "" {
		p.Addf("key_file", "want a file, for cert_file is given")
	}
	return p.Err()
}

// certificateInterval is how often the files are looked at; those who renew
// certificates do it days ahead.
const certificateInterval = 10 * time.Second

// certificate is the pair of files as it was last good.
type certificate struct {
	files   TLS
	log     *zap.Logger
	current atomic.Pointer[tls.Certificate]
	good    prometheus.Gauge

	mu   sync.Mutex // guards the following
	done [sha256.Size]byte
	seen [sha256.Size]byte
}

// openCertificate reads the pair, which must be good.
func openCertificate(files TLS, deps telemetry.Deps) (*certificate, error) {
	c := &certificate{files: files, log: deps.Log, good: prometheus.NewGauge(prometheus.GaugeOpts{
		Name: "touchline_collector_certificate_ok",
		Help: "1 while the certificate files as they stand are in use, 0 while an older pair is because they were refused.",
	})}
	if err := c.apply(c.read()); err != nil {
		return nil, err
	}
	for _, m := range []prometheus.Collector{c.good, prometheus.NewGaugeFunc(prometheus.GaugeOpts{
		Name: "touchline_collector_certificate_expires_timestamp_seconds",
		Help: "When the certificate in use expires.",
	}, func() float64 { return float64(c.current.Load().Leaf.NotAfter.Unix()) })} {
		if err := deps.Metrics.Register(m); err != nil {
			return nil, fmt.Errorf("register certificate metrics: %w", err)
		}
	}
	return c, nil
}

// pair is what the files hold.
type pair struct {
	cert, key []byte
	err       error
}

func (c *certificate) read() pair {
	cert, err := os.ReadFile(c.files.CertFile)
	if err != nil {
		return pair{err: fmt.Errorf("read certificate: %w", err)}
	}
	key, err := os.ReadFile(c.files.KeyFile)
	if err != nil {
		return pair{err: fmt.Errorf("read certificate key: %w", err)}
	}
	return pair{cert: cert, key: key}
}

// sum tells contents apart, errors too.
func (p pair) sum() [sha256.Size]byte {
	if p.err != nil {
		return sha256.Sum256([]byte(p.err.Error()))
	}
	return sha256.Sum256(bytes.Join([][]byte{p.cert, p.key}, []byte{0}))
}

// apply makes the pair the one in use, or changes nothing.
func (c *certificate) apply(p pair) error {
	if p.err != nil {
		return p.err
	}
	parsed, err := tls.X509KeyPair(p.cert, p.key)
	if err != nil {
		return fmt.Errorf("parse certificate: %w", err)
	}
	c.current.Store(&parsed)
	c.done = p.sum()
	c.seen = c.done
	c.good.Set(1)
	return nil
}

// reload takes the files up as they are now.
func (c *certificate) reload() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.take(c.read())
}

// look takes the files up when they have changed and were the same at the look
// before: they are replaced one after the other.
func (c *certificate) look() {
	c.mu.Lock()
	defer c.mu.Unlock()
	p := c.read()
	sum := p.sum()
	settled := sum == c.seen
	c.seen = sum
	if settled && sum != c.done {
		c.take(p)
	}
}

func (c *certificate) take(p pair) {
	if err := c.apply(p); err != nil {
		c.done = p.sum()
		c.seen = c.done
		c.good.Set(0)
		c.log.Error("certificate refused, the one before it stays in use", zap.String("file", c.files.CertFile), zap.Error(err))
		return
	}
	c.log.Info("certificate read", zap.String("file", c.files.CertFile), zap.Time("expires", c.current.Load().Leaf.NotAfter))
}

// watch looks at the files at every interval, and at each SIGHUP, until ctx ends.
func (c *certificate) watch(ctx context.Context) {
	hangup := make(chan os.Signal, 1)
	signal.Notify(hangup, syscall.SIGHUP)
	defer signal.Stop(hangup)
	tick := time.NewTicker(certificateInterval)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-hangup:
			c.reload()
		case <-tick.C:
			c.look()
		}
	}
}

// config returns the settings of connections; each gets the certificate that is in
// use when it begins.
func (c *certificate) config() *tls.Config {
	return &tls.Config{
		MinVersion: tls.VersionTLS12,
		GetCertificate: func(*tls.ClientHelloInfo) (*tls.Certificate, error) {
			return c.current.Load(), nil
		},
	}
}
