package lifecycle

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
)

// WriteReady writes v as one line of JSON to file, which appears complete or
// not at all and is readable by its owner only, because it may hold passwords.
// Whoever starts the process waits for the file to learn its addresses.
func WriteReady(file string, v any) error {
	text, err := json.Marshal(v)
	if err != nil {
		return fmt.Errorf("encode ready file: %w", err)
	}
	tmp, err := os.CreateTemp(filepath.Dir(file), ".ready-*") // mode 0600
	if err != nil {
		return fmt.Errorf("create ready file: %w", err)
	}
	_, err = tmp.Write(append(text, '\n'))
	err = errors.Join(err, tmp.Close())
	if err == nil {
		err = os.Rename(tmp.Name(), file)
	}
	if err != nil {
		return fmt.Errorf("write ready file: %w", errors.Join(err, os.Remove(tmp.Name())))
	}
	return nil
}
