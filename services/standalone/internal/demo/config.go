package demo

import (
	"encoding/base64"
	"errors"
	"fmt"
	"net/url"
	"strings"
	"time"
)

// Config says where to send which visitors.
type Config struct {
	// CollectorURL is the collector's address, http://host:port.
	CollectorURL string
	// WriteKey opens the project of the demo.
	WriteKey string
	// Visitors is how many new visitors come in Days days, 1 to 20,000. Each makes
	// about eight events, and History holds them all in memory, 2 KB an event.
	Visitors int
	// Days is how far History goes back, 1 to 365.
	Days int
	// Seed chooses the visitors of the history.
	Seed uint64
	// After leaves out events of the history up to and including this time; the
	// function After finds it. Zero leaves out none.
	After time.Time
	// LiveRate is how many live visitors come in a second, 0 to 100.
	LiveRate float64
}

// Default returns a month of a small shop and two live visitors in five seconds,
// some three events a second. The address and the write key must be given.
func Default() Config {
	return Config{Visitors: 1200, Days: 30, Seed: 1, LiveRate: 0.4}
}

// Validate returns all that is wrong with the configuration, or nil.
func (c Config) Validate() error {
	var problems []error
	u, err := url.Parse(c.CollectorURL)
	if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "" || u.User != nil || strings.Trim(u.Path, "/") != "" || u.RawQuery != "" {
		problems = append(problems, errors.New("collector URL: want http://host:port"))
	}
	if c.WriteKey == "" {
		problems = append(problems, errors.New("write key: is empty"))
	}
	if c.Visitors < 1 || c.Visitors > 20_000 {
		problems = append(problems, fmt.Errorf("visitors: want 1 to 20000, got %d", c.Visitors))
	}
	if c.Days < 1 || c.Days > 365 {
		problems = append(problems, fmt.Errorf("days: want 1 to 365, got %d", c.Days))
	}
	if !(c.LiveRate >= 0 && c.LiveRate <= 100) { // also NaN
		problems = append(problems, fmt.Errorf("live rate: want 0 to 100 visitors a second, got %v", c.LiveRate))
	}
	return errors.Join(problems...)
}

func (c Config) check() error {
	if err := c.Validate(); err != nil {
		return fmt.Errorf("check demo configuration: %w", err)
	}
	return nil
}

// authorization is the header by which Segment's SDKs give the write key.
func (c Config) authorization() string {
	return "Basic " + base64.StdEncoding.EncodeToString([]byte(c.WriteKey+":"))
}
