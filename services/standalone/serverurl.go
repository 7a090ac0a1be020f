package standalone

import (
	"errors"
	"net/url"

	"touchline.dev/services/internal/clickhouse"
	"touchline.dev/services/internal/config"
)

// ServerURL is the address of a ClickHouse server together with an account:
// http://user:password@host:port. Printing it hides the password. The zero value
// names no server.
type ServerURL struct {
	text string
	cfg  clickhouse.Config
}

// UnmarshalText reads the address. Its errors do not quote it: it may hold a
// password.
func (s *ServerURL) UnmarshalText(text []byte) error {
	*s = ServerURL{}
	if len(text) == 0 {
		return nil
	}
	u, err := url.Parse(string(text))
	if err != nil || u.Host == "" {
		return errors.New("want http://user:password@host:port")
	}
	cfg := clickhouse.Default()
	if u.User != nil {
		cfg.User = u.User.Username()
		password, _ := u.User.Password()
		cfg.Password = config.NewSecret(password)
	}
	redacted := u.Redacted()
	u.User = nil
	cfg.URL = u.String()
	if err := cfg.Validate(); err != nil {
		return err
	}
	*s = ServerURL{text: redacted, cfg: cfg}
	return nil
}

// MarshalText returns the address without the password.
func (s ServerURL) MarshalText() ([]byte, error) { return []byte(s.text), nil }

// config returns the server, and whether one was named.
func (s ServerURL) config() (clickhouse.Config, bool) { return s.cfg, s.text != "" }
