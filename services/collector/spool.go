package collector

import (
	"context"

	"touchline.dev/services/collector/internal/spool"
	"touchline.dev/services/internal/config"
)

// Spool is where events wait while Kafka does not acknowledge them.
type Spool = spool.Config

// DefaultSpool returns the defaults of the spool section: no directory, so none.
func DefaultSpool() Spool { return spool.Default() }

// checkSpool says what is wrong between the sections: a request waits for Kafka
// and then for the spool, and for both at most so long as for acknowledgements.
func checkSpool(h HTTP, s Spool) error {
	var p config.Problems
	if least := h.Timeouts.Ack; s.Dir != "" && s.Deadline > least/2 {
		p.Addf("spool.deadline", "want at most half of http.timeouts.ack, %v, got %v", least/2, s.Deadline)
	}
	return p.Err()
}

// openSpool returns nil where there is to be none.
func openSpool(cfg Spool, deps Deps) (*spool.Spool, error) {
	if cfg.Dir == "" {
		deps.Log.Warn("no spool.dir is set: while Kafka is away requests are answered 503")
		return nil, nil
	}
	return spool.Open(cfg, deps.Deps)
}

// startSpool begins to send what waits and returns how to end that, and a channel
// that gets the error when the spool fails. To end it also closes the producer:
// only then have all records come back.
func (c *Collector) startSpool() (stop func() error, failed <-chan error) {
	if c.spool == nil {
		return func() error {
			c.producer.Close()
			return nil
		}, nil
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		if err := c.spool.Run(ctx, c.publisher.Drain); err != nil {
			done <- err
		}
	}()
	return func() error {
		cancel()
		c.producer.Close()
		<-ended
		return c.spool.Close()
	}, done
}
