package enricher

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"touchline.dev/schemas/ids"
)

// secretFile keeps the installation secret inside the data directory. Whoever
// loses it gets other person ids for the same people from then on.
const secretFile = "installation.secret"

// installationSecret returns the secret that was configured, else the one that
// the data directory keeps, else a new one, which it keeps from then on.
func installationSecret(dir, given string) (ids.Secret, error) {
	if given != "" {
		return ids.ParseSecret(given)
	}
	path := filepath.Join(dir, secretFile)
	s, err := readSecret(path)
	if !errors.Is(err, fs.ErrNotExist) {
		return s, err
	}
	fresh, err := ids.NewSecret()
	if err != nil {
		return ids.Secret{}, err
	}
	if err := writeSecret(dir, path, fresh); err != nil {
		return ids.Secret{}, fmt.Errorf("keep installation secret: %w", err)
	}
	// Another process may have been first; its secret is the one that stays.
	return readSecret(path)
}

func readSecret(path string) (ids.Secret, error) {
	b, err := os.ReadFile(path)
	if err != nil {
		return ids.Secret{}, fmt.Errorf("read installation secret: %w", err)
	}
	return ids.ParseSecret(string(b))
}

// writeSecret makes the file complete before it has its name, so that a crash
// leaves either none or the whole secret. An existing file stays as it is.
func writeSecret(dir, path string, s ids.Secret) error {
	f, err := os.CreateTemp(dir, secretFile+".*")
	if err != nil {
		return err
	}
	defer os.Remove(f.Name())
	_, werr := f.WriteString(s.Hex() + "\n")
	if err := errors.Join(werr, f.Sync(), f.Close()); err != nil {
		return err
	}
	if err := os.Link(f.Name(), path); err != nil && !errors.Is(err, fs.ErrExist) {
		return err
	}
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}
