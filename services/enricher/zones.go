package enricher

import (
	"context"
	"fmt"
	"time"

	"github.com/ClickHouse/clickhouse-go/v2/lib/driver"
	"go.uber.org/zap"

	schema "touchline.dev/schemas/projects"
)

// zones keeps in ClickHouse the time zone that each project's days were first
// cut in. The days of stored rows cannot be cut anew, so the projects file may
// not change a zone that was used.
type zones struct {
	conn  driver.Conn
	known map[string]string
}

func loadZones(ctx context.Context, conn driver.Conn) (*zones, error) {
	rows, err := conn.Query(ctx, "SELECT project, argMin(time_zone, first_used) FROM touchline.project_zones GROUP BY project")
	if err != nil {
		return nil, fmt.Errorf("read time zones of projects: %w", err)
	}
	defer rows.Close()
	z := &zones{conn: conn, known: make(map[string]string)}
	for rows.Next() {
		var project, zone string
		if err := rows.Scan(&project, &zone); err != nil {
			return nil, fmt.Errorf("read time zones of projects: %w", err)
		}
		z.known[project] = zone
	}
	if err := rows.Err(); err != nil {
		return nil, fmt.Errorf("read time zones of projects: %w", err)
	}
	return z, nil
}

// record notes the zones of projects that were not known before.
func (z *zones) record(ctx context.Context, set *schema.Set) error {
	for project, zone := range set.Zones() {
		if _, ok := z.known[project]; ok {
			continue
		}
		err := z.conn.Exec(ctx, "INSERT INTO touchline.project_zones (project, time_zone, first_used) SETTINGS async_insert = 0 VALUES (?, ?, now64(3))", project, zone)
		if err != nil {
			return fmt.Errorf("record time zone of project %s: %w", project, err)
		}
		z.known[project] = zone
	}
	return nil
}

// zoneInterval is how soon the zone of a project that joins the running service
// is recorded.
const zoneInterval = 5 * time.Second

// follow records the zones of projects that join while the service runs. A
// failure is tried again at the next turn: the watcher itself refuses changes
// for as long as the process lives.
func (z *zones) follow(ctx context.Context, current func() *schema.Set, log *zap.Logger) error {
	ticker := time.NewTicker(zoneInterval)
	defer ticker.Stop()
	last := current()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-ticker.C:
		}
		set := current()
		if set == last {
			continue
		}
		if err := z.record(ctx, set); err != nil {
			log.Warn("time zones of new projects are not recorded yet", zap.Error(err))
			continue
		}
		last = set
	}
}
