package landing_test

import (
	"strings"
	"testing"

	"touchline.dev/services/internal/clickhousetest"
	"touchline.dev/services/internal/kafkatest"
	"touchline.dev/services/internal/smalldisktest"
)

// When the disk of ClickHouse is full, the lander says so, and goes on by itself
// once there is room: every record is one row.
func TestLander_goesOnAfterAFullDisk(t *testing.T) {
	smalldisktest.Run(t, func(t *testing.T) {
		disk := smalldisktest.Mount(t, 256<<20)
		t.Setenv("TMPDIR", disk.Dir)
		f := newFixture(t, clickhousetest.Fresh(t))
		f.run(small())
		everywhere := func(from, to int64) {
			for p := range int32(4) {
				f.produce(p, dense(from, to)...)
			}
		}
		everywhere(0, 50)
		f.expect(200)
		disk.Fill(t)
		everywhere(50, 500)
		kafkatest.Eventually(t, "health to say that the disk is full", func() bool {
			return strings.Contains(f.health.Reasons()["test"], "ClickHouse has a full disk")
		})
		disk.Free(t)
		f.expect(2000)
		kafkatest.Eventually(t, "health", func() bool { return len(f.health.Reasons()) == 0 })
	})
}
