package smalldisktest_test

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"touchline.dev/services/internal/smalldisktest"
)

func TestRun_filledDiskRefusesWritesUntilItIsFreed(t *testing.T) {
	smalldisktest.Run(t, func(t *testing.T) {
		d := smalldisktest.Mount(t, 1<<20)
		file := filepath.Join(d.Dir, "file")
		text := []byte(strings.Repeat("x", 100_000))
		if err := os.WriteFile(file, text, 0o600); err != nil {
			t.Fatal(err)
		}
		d.Fill(t)
		if err := os.WriteFile(file+"2", text, 0o600); !errors.Is(err, syscall.ENOSPC) {
			t.Fatalf("wrote to a full disk: %v", err)
		}
		if err := os.Remove(file + "2"); err != nil { // its name takes no page
			t.Fatal(err)
		}
		d.Free(t)
		if err := os.WriteFile(file+"2", text, 0o600); err != nil {
			t.Errorf("write to a freed disk: %v", err)
		}
		if got, err := os.ReadFile(file); err != nil || string(got) != string(text) {
			t.Errorf("the first file holds %d bytes, %v", len(got), err)
		}
	})
}

func TestMount_isSeenInsideOnly(t *testing.T) {
	smalldisktest.Run(t, func(t *testing.T) {
		d := smalldisktest.Mount(t, 1<<20)
		for _, f := range []struct {
			pid  int
			want bool
		}{{os.Getpid(), true}, {os.Getppid(), false}} {
			text, err := os.ReadFile(fmt.Sprintf("/proc/%d/mounts", f.pid))
			if err != nil {
				t.Fatal(err)
			}
			if got := strings.Contains(string(text), d.Dir); got != f.want {
				t.Errorf("process %d sees the mount: %v, want %v", f.pid, got, f.want)
			}
		}
	})
}
