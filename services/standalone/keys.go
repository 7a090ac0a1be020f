package standalone

import (
	"bufio"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"touchline.dev/schemas/projects"
	"touchline.dev/services/internal/config"
)

type keysSettings struct {
	Kind   string `yaml:"kind" doc:"public for pages and apps, secret for servers."`
	Source string `yaml:"source" doc:"Label of the key in the projects file."`
}

// keysCommand makes a write key (new), or takes one that there is (hash), and
// prints its entry for the projects file, which holds its SHA-256 only.
func keysCommand(c *call) error {
	if len(c.args) == 0 || c.args[0] != "new" && c.args[0] != "hash" {
		c.code = config.ExitBadConfig
		return errors.New("want new or hash: touchline keys new [FLAGS], touchline keys hash KEY|- [FLAGS]")
	}
	verb, key := c.args[0], ""
	c.args = c.args[1:]
	if verb == "hash" && len(c.args) > 0 && (c.args[0] == "-" || !strings.HasPrefix(c.args[0], "-")) {
		key = c.args[0]
		c.args = c.args[1:]
	}
	s := keysSettings{Kind: string(projects.Public)}
	if done, err := c.load("touchline-keys", &s); done || err != nil {
		return err
	}
	switch {
	case verb == "new":
		random := make([]byte, 16)
		_, _ = rand.Read(random) // it never fails
		key = hex.EncodeToString(random)
		if _, err := fmt.Fprintln(c.stdout, "key  ", key); err != nil {
			return err
		}
	case key == "":
		c.code = config.ExitBadConfig
		return errors.New("want the key, or - to read it from standard input")
	case key == "-":
		var err error
		if key, err = firstLine(os.Stdin); err != nil {
			return fmt.Errorf("read key: %w", err)
		}
	}
	entry, err := s.entry(key)
	if err != nil {
		c.code = config.ExitBadConfig
		return err
	}
	_, err = fmt.Fprintln(c.stdout, "entry", entry)
	return err
}

// entry returns the line of the projects file that stands for the key.
func (s keysSettings) entry(key string) (string, error) {
	// The key as such must be one, too.
	if err := checkEntry(fmt.Sprintf("%q", key)); err != nil {
		return "", err
	}
	sum := sha256.Sum256([]byte(key))
	entry := fmt.Sprintf("{sha256: %x, kind: %q", sum, s.Kind)
	if s.Source != "" {
		entry += fmt.Sprintf(", source: %q", s.Source)
	}
	entry += "}"
	if err := checkEntry(entry); err != nil {
		return "", err
	}
	return "- " + strings.ReplaceAll(entry, `"`, ""), nil
}

// checkEntry says what is wrong with an entry of the list of write keys.
func checkEntry(entry string) error {
	_, err := projects.Parse([]byte("projects: [{id: check, write_keys: [" + entry + "]}]"))
	var problems projects.Problems
	if !errors.As(err, &problems) {
		return err
	}
	what := strings.TrimPrefix(problems[0].Path, "projects[0].write_keys[0]")
	return fmt.Errorf("check key%s: %s", strings.ReplaceAll(what, ".", " "), problems[0].Message)
}

// firstLine reads a line of at most 4 KiB without its end.
func firstLine(from io.Reader) (string, error) {
	line, err := bufio.NewReader(io.LimitReader(from, 4<<10)).ReadString('\n')
	if err != nil && !errors.Is(err, io.EOF) {
		return "", err
	}
	return strings.TrimRight(line, "\r\n"), nil
}
