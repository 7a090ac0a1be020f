package meter

import (
	"os"
	"testing"
	"time"
)

// TestCPU burns a known amount of processor time and finds it in /proc.
func TestCPU(t *testing.T) {
	before, err := CPU(os.Getpid())
	if err != nil {
		t.Fatal(err)
	}
	rusageBefore, err := ownCPU()
	if err != nil {
		t.Fatal(err)
	}
	if speed, err := Calibrate(200 * time.Millisecond); err != nil || speed <= 0 {
		t.Fatalf("%v MB/s, %v", speed, err)
	}
	after, err := CPU(os.Getpid())
	if err != nil {
		t.Fatal(err)
	}
	rusageAfter, err := ownCPU()
	if err != nil {
		t.Fatal(err)
	}
	proc, rusage := after-before, rusageAfter-rusageBefore
	if d := proc - rusage; d < -50*time.Millisecond || d > 50*time.Millisecond {
		t.Errorf("/proc says %v, getrusage %v", proc, rusage)
	}
}

func TestPeakRSS(t *testing.T) {
	before, err := PeakRSS(os.Getpid())
	if err != nil {
		t.Fatal(err)
	}
	big := make([]byte, 64<<20)
	for i := 0; i < len(big); i += 4096 {
		big[i] = 1
	}
	after, err := PeakRSS(os.Getpid())
	if err != nil {
		t.Fatal(err)
	}
	if grown := after - before; grown < 32<<20 {
		t.Errorf("%d bytes more than before for %d", grown, len(big))
	}
}

func TestCPU_noProcess(t *testing.T) {
	if _, err := CPU(1 << 30); err == nil {
		t.Error("no error")
	}
	if _, err := PeakRSS(1 << 30); err == nil {
		t.Error("no error")
	}
}
