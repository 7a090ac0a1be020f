package clickhouse

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/ClickHouse/clickhouse-go/v2/lib/driver"

	schema "touchline.dev/schemas/clickhouse"
)

// view is a view or dictionary that has to be created anew.
type view struct {
	name     string
	text     schema.Statement
	sql, sum string
}

func createViews(ctx context.Context, conn driver.Conn, account Account, notes map[string]string) ([]string, error) {
	stale, err := staleViews(ctx, conn, account, notes)
	if err != nil {
		return nil, err
	}
	var created []string
	for _, v := range stale {
		if err := run(ctx, conn, v.text, v.sql, v.sum); err != nil {
			return created, err
		}
		created = append(created, v.text.Name)
	}
	return created, nil
}

// staleViews returns the views that are missing in the server, or whose text or
// account is another one than noted, in the order in which to create them.
func staleViews(ctx context.Context, conn driver.Conn, account Account, notes map[string]string) ([]view, error) {
	views, err := schema.Views()
	if err != nil {
		return nil, fmt.Errorf("read views: %w", err)
	}
	existing, err := objects(ctx, conn)
	if err != nil {
		return nil, err
	}
	replace := strings.NewReplacer("${user}", Literal(account.User), "${password}", Literal(account.Password))
	var stale []view
	for _, s := range views {
		name := strings.ReplaceAll(strings.TrimSuffix(strings.TrimPrefix(s.Name, "views/"), ".sql"), "/", ".")
		sql := replace.Replace(s.SQL)
		// A view reads with the rights of the account that created it.
		sum := checksum(account.User, sql)
		if notes[s.Name] != sum || !existing[name] {
			stale = append(stale, view{name, s, sql, sum})
		}
	}
	return stale, nil
}

// objects returns the tables, views and dictionaries of Touchline's databases as
// database.name.
func objects(ctx context.Context, conn driver.Conn) (found map[string]bool, err error) {
	rows, err := conn.Query(ctx, "SELECT concat(database, '.', name) FROM system.tables WHERE database IN ('touchline', 'analytics')")
	if err != nil {
		return nil, fmt.Errorf("list tables: %w", err)
	}
	defer func() { err = errors.Join(err, rows.Close()) }()
	found = map[string]bool{}
	for rows.Next() {
		var name string
		if err := rows.Scan(&name); err != nil {
			return nil, fmt.Errorf("list tables: %w", err)
		}
		found[name] = true
	}
	if err := rows.Err(); err != nil {
		return nil, fmt.Errorf("list tables: %w", err)
	}
	return found, nil
}
