//go:build !linux

package e2e_test

import "syscall"

// noOrphans does nothing where the kernel offers nothing of the kind.
func noOrphans() *syscall.SysProcAttr { return nil }
