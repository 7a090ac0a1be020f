package standalone

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"touchline.dev/services/internal/clickhouse"
	"touchline.dev/services/internal/config"
	"touchline.dev/services/standalone/internal/bi"
)

type biCheckSettings struct {
	Dir        string            `yaml:"dir" doc:"Directory of a running touchline up: gives the address, and the password of its user bi."`
	ClickHouse clickhouse.Config `yaml:"clickhouse"`
}

// biCheck tries as a user what a BI tool does, and what nobody may do. The exit code
// is 1 when something is not as it should be.
func biCheck(c *call) error {
	s := biCheckSettings{ClickHouse: clickhouse.Default()}
	s.ClickHouse.User = "bi"
	if done, err := c.load("touchline-bi-check", &s); done || err != nil {
		return err
	}
	others, err := s.find(c.ctx)
	if err != nil {
		return err
	}
	conn, err := clickhouse.Open(s.ClickHouse)
	if err != nil {
		return err
	}
	defer conn.Close()
	for r := range (bi.Checker{User: conn, Others: others}).Run(c.ctx) {
		line := "ok    " + r.Name
		if r.Detail != "" {
			line += ": " + r.Detail
		}
		if r.Err != nil {
			c.code = 1
			line = "FAIL  " + r.Name + ": " + firstLineOf(r.Err) + "\n      " + r.Hint
		}
		if _, err := fmt.Fprintln(c.stdout, line); err != nil {
			return err
		}
	}
	return nil
}

// find completes the settings from the directory, and returns the projects that the
// user must not see.
func (s *biCheckSettings) find(ctx context.Context) (others []string, err error) {
	if s.Dir == "" {
		return nil, nil
	}
	a, err := openAdmin(ctx, s.Dir, nil)
	if err != nil {
		return nil, err
	}
	defer a.conn.Close()
	s.ClickHouse.URL = a.url
	if s.ClickHouse.User == a.ready.BIUser && s.ClickHouse.Password.Reveal() == "" {
		s.ClickHouse.Password = config.NewSecret(a.ready.BIPassword)
	}
	rights, err := a.rights.All(ctx)
	if err != nil {
		return nil, err
	}
	mine := rights[s.ClickHouse.User]
	if slices.Contains(mine, bi.Everything) {
		return nil, nil
	}
	for _, p := range a.ready.Projects {
		if !slices.Contains(mine, p.ID) {
			others = append(others, p.ID)
		}
	}
	return others, nil
}

// firstLineOf returns an error in one line of at most 300 bytes.
func firstLineOf(err error) string {
	line, _, _ := strings.Cut(err.Error(), "\n")
	const most = 300
	if len(line) > most {
		line = strings.ToValidUTF8(line[:most], "") + "..."
	}
	return line
}
