package bi

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/ClickHouse/clickhouse-go/v2/lib/driver"

	"touchline.dev/services/internal/clickhouse"
)

// Everything stands for every project in a list of projects.
const Everything = "*"

// Rights are the rows of touchline.bi_access. A change works from the next query on.
type Rights struct {
	// Writer may write the table.
	Writer driver.Conn
}

// All returns the projects of each user that has any.
func (r Rights) All(ctx context.Context) (map[string][]string, error) {
	rows, err := r.Writer.Query(ctx, "SELECT user, project FROM touchline.bi_access FINAL ORDER BY user, project")
	if err != nil {
		return nil, fmt.Errorf("read rights: %w", err)
	}
	all := map[string][]string{}
	for rows.Next() {
		var user, project string
		if err := rows.Scan(&user, &project); err != nil {
			return nil, errors.Join(fmt.Errorf("read rights: %w", err), rows.Close())
		}
		all[user] = append(all[user], project)
	}
	if err := errors.Join(rows.Err(), rows.Close()); err != nil {
		return nil, fmt.Errorf("read rights: %w", err)
	}
	return all, nil
}

// Replace lets a user read these projects and no others; without projects, nothing.
func (r Rights) Replace(ctx context.Context, user string, projects []string) error {
	if err := r.Writer.Exec(ctx, "DELETE FROM touchline.bi_access WHERE user = "+clickhouse.Literal(user)); err != nil {
		return fmt.Errorf("take rights of %s: %w", user, err)
	}
	if len(projects) == 0 {
		return nil
	}
	if err := r.Writer.Exec(ctx, insertRights(user, projects)); err != nil {
		return fmt.Errorf("give rights to %s: %w", user, err)
	}
	return nil
}

func insertRights(user string, projects []string) string {
	rows := make([]string, len(projects))
	for i, project := range slices.Sorted(slices.Values(projects)) {
		rows[i] = "(" + clickhouse.Literal(user) + ", " + clickhouse.Literal(project) + ")"
	}
	return "INSERT INTO touchline.bi_access (user, project) VALUES " + strings.Join(rows, ", ")
}
