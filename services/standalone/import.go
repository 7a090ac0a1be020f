package standalone

import (
	"errors"
	"net/http"
	"net/url"
	"os"
	"time"

	"touchline.dev/services/internal/config"
	"touchline.dev/services/standalone/internal/importer"
)

type importSettings struct {
	Dir      string        `yaml:"dir" doc:"Directory of a running touchline up, whose collector is used, with the first project's write key."`
	URL      string        `yaml:"url" doc:"The collector, such as https://collect.example.com; instead of dir."`
	Key      config.Secret `yaml:"key" doc:"Write key of the project; it must be open to the format's protocol."`
	Format   string        `yaml:"format" doc:"segment, posthog, mixpanel or amplitude. Empty: told by the first event."`
	Batch    int           `yaml:"batch" doc:"Most events in a request."`
	Patience time.Duration `yaml:"patience" doc:"For how long a collector that does not take events is asked again before the import stops."`
}

// Validate checks what can be checked without the network.
func (s importSettings) Validate() error {
	var p config.Problems
	if (s.Dir == "") == (s.URL == "") {
		p.Addf("url", "want url or dir")
	}
	if at, err := url.Parse(s.URL); s.URL != "" && (err != nil || at.Scheme != "http" && at.Scheme != "https" || at.Host == "" || at.RawQuery != "" || at.User != nil) {
		p.Addf("url", "want a URL such as https://collect.example.com, got %q", s.URL)
	}
	if s.Batch < 1 || s.Batch > 2000 {
		p.Addf("batch", "want 1 to 2000, got %d", s.Batch)
	}
	if s.Patience < 0 {
		p.Addf("patience", "want no negative time, got %s", s.Patience)
	}
	return p.Err()
}

// exitSomeLeftOut is the exit code of an import that came to the end of its input
// and had to leave lines out.
const exitSomeLeftOut = 3

// requestTimeout bounds one request with its answer; a collector that takes its
// time answers within a few seconds.
const requestTimeout = time.Minute

// importCommand sends a file of historical events to a collector. The exit code is
// 0 when all of it was accepted, 1 when it stopped before the end and can be called
// again to go on, 2 for a wrong call, 3 when it came to the end but there were bad
// lines or rejected events.
func importCommand(c *call) error {
	inputs, flags := positional(c.args, "--dir", "--url", "--key-file", "--format", "--batch", "--patience", "--config")
	c.args = flags
	s := importSettings{Batch: 500, Patience: 10 * time.Minute}
	if done, err := c.load("touchline-import", &s); done || err != nil {
		return err
	}
	if len(inputs) != 1 {
		c.code = config.ExitBadConfig
		return errors.New("want touchline import FILE|- [FLAGS]")
	}
	cfg, err := s.importer()
	if err != nil {
		return err
	}
	i := importer.New(cfg, importer.Deps{
		Client: &http.Client{Timeout: requestTimeout, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }},
		Out:    c.stderr, Now: time.Now, Wait: importer.Wait,
	})
	var counts importer.Counts
	if inputs[0] == "-" {
		counts, err = i.Stream(c.ctx, os.Stdin)
	} else {
		counts, err = i.File(c.ctx, inputs[0])
	}
	switch {
	case errors.Is(err, importer.ErrUnknownFormat):
		c.code = config.ExitBadConfig
	case err == nil && counts.Bad+counts.Rejected > 0:
		c.code = exitSomeLeftOut
	}
	return err
}

// importer returns where events go: the collector that is named, or the one of a
// running touchline up.
func (s importSettings) importer() (importer.Config, error) {
	cfg := importer.Config{URL: s.URL, Key: s.Key.Reveal(), Format: importer.Format(s.Format), Batch: s.Batch, Patience: s.Patience}
	if s.Dir != "" {
		r, err := readReady(s.Dir)
		if err != nil {
			return cfg, err
		}
		cfg.URL = r.Collector
		if len(r.Projects) > 0 && cfg.Key == "" {
			cfg.Key = r.Projects[0].WriteKey
		}
	}
	if cfg.Key == "" {
		return cfg, errors.New("want a write key: --key-file, or TOUCHLINE_IMPORT_KEY")
	}
	return cfg, nil
}
