//go:build sdks

package sdk_test

import "syscall"

// ownGroup gives a child a process group, so that all it starts ends with it, and has
// the kernel kill it when the test process ends, however that happens.
func ownGroup() *syscall.SysProcAttr {
	return &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL}
}
