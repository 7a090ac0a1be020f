package importer

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
)

// suffix is what the name of an input's state ends with.
const suffix = ".touchline-import"

// headBytes is how much of an input's beginning tells it from another.
const headBytes = 4096

// ErrOtherInput says that what stands beside the input is of another import.
var ErrOtherInput = errors.New("the state beside the input is of another import")

// state is how far an import has come.
type state struct {
	URL    string `json:"url"`
	Format Format `json:"format"`
	// Offset is the position behind the last line that was answered, Head the
	// SHA-256 of the bytes before it, of the first 4 KiB at most.
	Offset int64  `json:"offset"`
	Head   string `json:"head"`
	Counts Counts `json:"counts"`
}

// resume goes to where an earlier import of the file has come to, and sees to it
// that this one is noted.
func (m *Importer) resume(f *os.File, path string) error {
	data, err := os.ReadFile(path + suffix)
	switch {
	case errors.Is(err, fs.ErrNotExist):
	case err != nil:
		return fmt.Errorf("read state: %w", err)
	default:
		if err := m.restore(f, data); err != nil {
			return fmt.Errorf("%w: %s; remove it to begin anew", err, path+suffix)
		}
	}
	if _, err := f.Seek(m.sent, io.SeekStart); err != nil {
		return fmt.Errorf("seek input: %w", err)
	}
	m.save = func() error {
		head, err := headOf(f, m.sent)
		if err != nil {
			return err
		}
		counts := m.counts
		counts.Lines = m.number // those behind it are read again
		data, err := json.MarshalIndent(state{m.cfg.URL, m.format.name, m.sent, head, counts}, "", "  ")
		if err != nil {
			return fmt.Errorf("encode state: %w", err)
		}
		if err := os.WriteFile(path+suffix+".new", data, 0o600); err != nil {
			return fmt.Errorf("write state: %w", err)
		}
		if err := os.Rename(path+suffix+".new", path+suffix); err != nil {
			return fmt.Errorf("write state: %w", err)
		}
		return nil
	}
	return nil
}

func (m *Importer) restore(f *os.File, data []byte) error {
	var s state
	if err := json.Unmarshal(data, &s); err != nil {
		return fmt.Errorf("decode state: %w", err)
	}
	head, err := headOf(f, s.Offset)
	if err != nil {
		return err
	}
	if s.Offset < 0 || s.Offset > m.size || head != s.Head || s.URL != m.cfg.URL || m.cfg.Format != "" && s.Format != "" && m.cfg.Format != s.Format {
		return ErrOtherInput
	}
	if m.cfg.Format == "" {
		m.cfg.Format = s.Format
	}
	m.sent, m.number, m.counts = s.Offset, s.Counts.Lines, s.Counts
	if err := m.passEnd(f); err != nil {
		return err
	}
	m.batch.end, m.batch.line = m.sent, m.number
	return nil
}

// passEnd goes past the line break that the last line has got since it was sent, so
// that it is no line of its own.
func (m *Importer) passEnd(f *os.File) error {
	if m.sent == 0 || m.sent == m.size {
		return nil
	}
	var around [2]byte
	if _, err := f.ReadAt(around[:], m.sent-1); err != nil {
		return fmt.Errorf("read input: %w", err)
	}
	if around[0] != '\n' && around[1] == '\n' {
		m.sent++
	}
	return nil
}

func headOf(f *os.File, offset int64) (string, error) {
	b := make([]byte, max(min(headBytes, offset), 0))
	if _, err := f.ReadAt(b, 0); err != nil && err != io.EOF {
		return "", fmt.Errorf("read input: %w", err)
	}
	sum := sha256.Sum256(b)
	return hex.EncodeToString(sum[:]), nil
}
