//go:build sdks && !linux

package sdk_test

import "syscall"

// ownGroup gives a child a process group, so that all it starts ends with it.
func ownGroup() *syscall.SysProcAttr { return &syscall.SysProcAttr{Setpgid: true} }
