package standalone

import (
	"fmt"
	"io"
	"os"

	"github.com/goccy/go-yaml"

	"touchline.dev/services/internal/lifecycle"
	"touchline.dev/services/internal/telemetry"
)

// Ready is what the ready file says: where everything is, and how to get in. It
// holds a password, so only the owner can read the file.
type Ready struct {
	Collector  string `json:"collector"`
	Admin      string `json:"admin"`
	ClickHouse string `json:"clickhouse"`
	BIUser     string `json:"bi_user"`
	BIPassword string `json:"bi_password"`
	// Kafka is host:port of the broker.
	Kafka    string         `json:"kafka"`
	Projects []ReadyProject `json:"projects"`
}

// ReadyProject is a project with the first of its write keys that the projects
// file gives in plain; empty when all are hashed.
type ReadyProject struct {
	ID       string `json:"id"`
	WriteKey string `json:"write_key"`
}

// announce writes the ready files and tells the person at the terminal.
func (p *pipeline) announce(t *telemetry.Telemetry, out io.Writer) error {
	r := Ready{
		Collector: p.collector.URL(), Admin: "http://" + t.Admin.Addr(),
		ClickHouse: p.clickhouse.URL, BIUser: p.bi.User, BIPassword: p.bi.Password,
		Kafka: p.kafka.Brokers[0],
	}
	keys, err := plainKeys(p.s.projectsFile())
	if err != nil {
		return err
	}
	for _, project := range p.projects.Current().All() {
		r.Projects = append(r.Projects, ReadyProject{ID: project.ID, WriteKey: keys[project.ID]})
	}
	for _, file := range []string{p.s.readyFile(), p.s.ReadyFile} {
		if file == "" {
			continue
		}
		if err := lifecycle.WriteReady(file, r); err != nil {
			return err
		}
	}
	return r.print(out, p.s)
}

func (r Ready) print(out io.Writer, s Settings) error {
	key := "YOUR_WRITE_KEY"
	if len(r.Projects) > 0 && r.Projects[0].WriteKey != "" {
		key = r.Projects[0].WriteKey
	}
	sql := r.ClickHouse
	if r.BIUser != "" {
		sql += "  user " + r.BIUser + ", password " + r.BIPassword
	}
	_, err := fmt.Fprintf(out, `
Touchline is ready.
  SDKs post to   %s
  SQL over HTTP  %s
  Kafka          %s
  Health         %s/readyz   metrics %[4]s/metrics
  All of this    %s
  Back up        %s

Post an event:
  curl -u %s: -d '{"anonymousId":"me","event":"Hello"}' %s/v1/track

`, r.Collector, sql, r.Kafka, r.Admin, s.readyFile(), s.secretFile(), key, r.Collector)
	return err
}

// plainKeys returns the first plain write key of each project of a projects file
// that has passed its checks.
func plainKeys(file string) (map[string]string, error) {
	data, err := os.ReadFile(file)
	if err != nil {
		return nil, fmt.Errorf("read projects file: %w", err)
	}
	var content struct {
		Projects []struct {
			ID        string `yaml:"id"`
			WriteKeys []any  `yaml:"write_keys"`
		} `yaml:"projects"`
	}
	if err := yaml.Unmarshal(data, &content); err != nil {
		return nil, fmt.Errorf("read projects file: %w", err)
	}
	keys := make(map[string]string)
	for _, p := range content.Projects {
		for _, k := range p.WriteKeys {
			if m, ok := k.(map[string]any); ok {
				k = m["key"]
			}
			if text, ok := k.(string); ok && keys[p.ID] == "" {
				keys[p.ID] = text
			}
		}
	}
	return keys, nil
}
