package e2e_test

import "syscall"

// noOrphans has the kernel kill a child when the test process ends, however that
// happens: a test run over its time limit leaves nothing behind.
func noOrphans() *syscall.SysProcAttr { return &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL} }
