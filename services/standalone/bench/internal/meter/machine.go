package meter

import (
	"crypto/sha256"
	"fmt"
	"os"
	"runtime"
	"strings"
	"syscall"
	"time"
)

// Machine is what measurements depend on.
type Machine struct {
	Cores     int
	Model, Go string
}

// ThisMachine describes the host; what it does not tell is "unknown".
func ThisMachine() Machine {
	return Machine{Cores: runtime.NumCPU(), Go: runtime.Version(), Model: cpuModel()}
}

func cpuModel() string {
	text, err := os.ReadFile("/proc/cpuinfo")
	if err != nil {
		return unknown
	}
	for line := range strings.Lines(string(text)) {
		if name, value, _ := strings.Cut(line, ":"); strings.TrimSpace(name) == "model name" {
			return strings.TrimSpace(value)
		}
	}
	return unknown
}

const unknown = "unknown"

// Load is the load average of the last minute as text.
func Load() string { return firstField("/proc/loadavg") }

func firstField(file string) string {
	text, err := os.ReadFile(file)
	if fields := strings.Fields(string(text)); err == nil && len(fields) > 0 {
		return fields[0]
	}
	return unknown
}

// calibrationBlock is what is hashed at a time: it stays in the second-level
// cache of any processor.
const calibrationBlock = 64 << 10

// Calibrate hashes for about d and returns how many megabytes (of 10^6 bytes) of
// SHA-256 this processor does in a second of its time. Nothing else should run in
// this process meanwhile.
func Calibrate(d time.Duration) (float64, error) {
	block := make([]byte, calibrationBlock)
	before, err := ownCPU()
	if err != nil {
		return 0, err
	}
	blocks := 0
	for end := time.Now().Add(d); time.Now().Before(end); blocks++ {
		sum := sha256.Sum256(block)
		copy(block, sum[:])
	}
	after, err := ownCPU()
	if err != nil {
		return 0, err
	}
	return float64(blocks*calibrationBlock) / 1e6 / (after - before).Seconds(), nil
}

func ownCPU() (time.Duration, error) {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		return 0, fmt.Errorf("read own processor time: %w", err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano()), nil
}
