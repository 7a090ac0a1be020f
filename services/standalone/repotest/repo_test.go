// Package repotest holds tests of the files of the repository that no compiler
// reads: the compose file, the Dockerfile, the server configuration, the import
// rules, and the reference of settings. It has no code of its own.
package repotest

import (
	"os"
	"path/filepath"
	"testing"
)

// root is the top folder of the repository.
func root(t *testing.T) string {
	t.Helper()
	dir, err := filepath.Abs(filepath.Join("..", "..", ".."))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(filepath.Join(dir, "go.work")); err != nil {
		t.Fatalf("%s is not the top of the repository: %v", dir, err)
	}
	return dir
}

// read returns the text of a file, named from the top of the repository.
func read(t *testing.T, path string) string {
	t.Helper()
	b, err := os.ReadFile(filepath.Join(root(t), path))
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}
