// Package smalldisktest gives tests a disk that they can fill: a file system in
// memory, of a few megabytes, that only the test and the processes it starts can
// see.
//
// Mounting needs rights that a test does not have, so the test runs once more, in
// a child process with a user and a mount namespace of its own, where it may
// mount. It needs no root; where the kernel forbids such namespaces the test
// fails. The package exists on Linux only, as do the tests that use it.
package smalldisktest

import (
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
	"testing"
	"time"
)

// inside is the environment variable that tells the child which test it runs.
const inside = "TOUCHLINE_SMALLDISK_TEST"

// Run runs the rest of a top-level test, which is fn, in a child process that may
// call Mount. The test does nothing before and nothing after: it would do it in
// both processes. TestMain runs in both.
func Run(t *testing.T, fn func(t *testing.T)) {
	t.Helper()
	if os.Getenv(inside) == t.Name() {
		// What is mounted here must not show up outside.
		if err := syscall.Mount("", "/", "", syscall.MS_REC|syscall.MS_PRIVATE, ""); err != nil {
			t.Fatalf("make mounts private: %v", err)
		}
		fn(t)
		return
	}
	if strings.Contains(t.Name(), "/") {
		t.Fatal("smalldisktest.Run belongs into a top-level test")
	}
	// The child is killed with the thread that started it.
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	out, err := child(t).CombinedOutput()
	switch {
	case err != nil:
		t.Fatalf("run %s in namespaces of its own: %v\n%s", t.Name(), err, out)
	case !strings.Contains(string(out), "--- PASS: "+t.Name()+" "):
		t.Fatalf("%s did not run in its child process:\n%s", t.Name(), out)
	default:
		t.Logf("%s", out)
	}
}

func child(t *testing.T) *exec.Cmd {
	args := []string{"-test.run=^" + t.Name() + "$", "-test.v", "-test.count=1"}
	if deadline, ok := t.Deadline(); ok {
		args = append(args, fmt.Sprintf("-test.timeout=%v", max(time.Second, time.Until(deadline)-time.Second)))
	}
	cmd := exec.CommandContext(t.Context(), "/proc/self/exe", args...)
	cmd.Env = append(os.Environ(), inside+"="+t.Name())
	cmd.SysProcAttr = &syscall.SysProcAttr{
		Cloneflags: syscall.CLONE_NEWUSER | syscall.CLONE_NEWNS,
		// Root inside is whoever runs the test outside.
		UidMappings: []syscall.SysProcIDMap{{ContainerID: 0, HostID: os.Getuid(), Size: 1}},
		GidMappings: []syscall.SysProcIDMap{{ContainerID: 0, HostID: os.Getgid(), Size: 1}},
		Pdeathsig:   syscall.SIGKILL,
	}
	return cmd
}

// Disk is a small file system.
type Disk struct {
	// Dir is its root, empty at first.
	Dir string
}

// Mount mounts a file system of size bytes, rounded up to pages, for the time of
// the test. It works only below Run.
func Mount(t *testing.T, size int) Disk {
	t.Helper()
	d := Disk{t.TempDir()}
	if err := syscall.Mount("smalldisktest", d.Dir, "tmpfs", 0, fmt.Sprintf("size=%d,mode=0700", size)); err != nil {
		t.Fatalf("mount a small disk: %v", err)
	}
	t.Cleanup(func() {
		if err := syscall.Unmount(d.Dir, syscall.MNT_DETACH); err != nil {
			t.Errorf("unmount a small disk: %v", err)
		}
	})
	return d
}

// Fill writes a file of its own until no byte is left.
func (d Disk) Fill(t *testing.T) {
	t.Helper()
	f, err := os.OpenFile(d.ballast(), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		t.Fatal(err)
	}
	_, err = io.Copy(f, endless{})
	if err := errors.Join(wantFull(err), f.Close()); err != nil {
		t.Fatal(err)
	}
}

// Free gives back what Fill took.
func (d Disk) Free(t *testing.T) {
	t.Helper()
	if err := os.Remove(d.ballast()); err != nil {
		t.Fatal(err)
	}
}

func (d Disk) ballast() string { return filepath.Join(d.Dir, "ballast") }

func wantFull(err error) error {
	if errors.Is(err, syscall.ENOSPC) {
		return nil
	}
	return fmt.Errorf("fill a small disk: %w", err)
}

// endless is a file of zeros.
type endless struct{}

func (endless) Read(b []byte) (int, error) {
	clear(b)
	return len(b), nil
}
