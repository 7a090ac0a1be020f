package meter

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"strconv"
	"strings"
	"time"
)

// ticks is how many of the kernel's clock ticks make a second in /proc. Linux
// reports 100 to programs whatever it counts in.
const ticks = 100

var errProc = errors.New("is not in the form of /proc")

// Time is processor time. The kernel knows the sum well and estimates how it is
// divided.
type Time struct{ User, System time.Duration }

// Total is user and system time.
func (t Time) Total() time.Duration { return t.User + t.System }

// Sub returns what was used since an earlier reading.
func (t Time) Sub(earlier Time) Time { return Time{t.User - earlier.User, t.System - earlier.System} }

// CPU returns the time that the process has used, with all its threads, ended
// ones included, to 10 ms.
func CPU(pid int) (Time, error) {
	file := fmt.Sprintf("/proc/%d/stat", pid)
	text, err := os.ReadFile(file)
	if err != nil {
		return Time{}, fmt.Errorf("read processor time: %w", err)
	}
	// The second field is a name in parentheses and may hold anything; utime and
	// stime are the 14th and 15th.
	fields := strings.Fields(string(text[bytes.LastIndexByte(text, ')')+1:]))
	if len(fields) < 13 {
		return Time{}, fmt.Errorf("read processor time: %s %w", file, errProc)
	}
	var used [2]time.Duration
	for i, field := range fields[11:13] {
		n, err := strconv.ParseInt(field, 10, 64)
		if err != nil {
			return Time{}, fmt.Errorf("read processor time: %w", err)
		}
		used[i] = time.Duration(n) * time.Second / ticks
	}
	return Time{used[0], used[1]}, nil
}

// PeakRSS returns the most memory that the process has had resident, in bytes.
func PeakRSS(pid int) (int64, error) {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		return 0, fmt.Errorf("read peak memory: %w", err)
	}
	for line := range strings.Lines(string(text)) {
		value, ok := strings.CutPrefix(line, "VmHWM:")
		if !ok {
			continue
		}
		n, err := strconv.ParseInt(strings.TrimSuffix(strings.TrimSpace(value), " kB"), 10, 64)
		if err != nil {
			return 0, fmt.Errorf("read peak memory: %w", err)
		}
		return n << 10, nil
	}
	return 0, fmt.Errorf("read peak memory: process %d %w", pid, errProc)
}
