package clickhouse

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"strings"

	"github.com/ClickHouse/clickhouse-go/v2/lib/driver"

	schema "touchline.dev/schemas/clickhouse"
)

var (
	// ErrChanged: a migration that was applied reads otherwise now. Migrations
	// never change; take the change back and write a further one.
	ErrChanged = errors.New("migration was changed after it was applied")
	// ErrNewer: the database holds a migration that this program does not know.
	// A newer version has been here; this one must not touch its schema.
	ErrNewer = errors.New("database was migrated by a newer version")
	// ErrPending: the schema is not the one that this program needs.
	ErrPending = errors.New("schema is not up to date")
)

// Applied is what Migrate has done, by name.
type Applied struct {
	Migrations []string
	Views      []string
}

// Account is the user that Migrate connects as. The dictionary of persons logs in
// to the server as it, and the views read as it.
type Account struct{ User, Password string }

// Account returns the account that the configuration connects as.
func (c Config) Account() Account { return Account{User: c.User, Password: c.Password.Reveal()} }

// Migrate brings the schema up to date: the migrations that are missing, in
// order, then the views whose text has changed. It may be ended at any point and
// called again, and several may run at once: a statement may be run twice and is
// noted only when it has succeeded.
//
// It changes nothing when the error is ErrChanged or ErrNewer.
func Migrate(ctx context.Context, conn driver.Conn, account Account) (Applied, error) {
	var applied Applied
	bootstrap, err := schema.Bootstrap()
	if err != nil {
		return applied, fmt.Errorf("read bootstrap: %w", err)
	}
	for _, s := range bootstrap {
		if err := conn.Exec(ctx, s.SQL); err != nil {
			return applied, fmt.Errorf("run %s: %w", s.Name, err)
		}
	}
	notes, err := readNotes(ctx, conn)
	if err != nil {
		return applied, err
	}
	missing, err := missingMigrations(notes)
	if err != nil {
		return applied, err
	}
	for _, s := range missing {
		if err := run(ctx, conn, s, s.SQL, checksum(s.SQL)); err != nil {
			return applied, err
		}
		applied.Migrations = append(applied.Migrations, s.Name)
	}
	applied.Views, err = createViews(ctx, conn, account, notes)
	return applied, err
}

// Verify returns nil when every migration and view of this program stands in the
// database as it is here, and an error that wraps ErrPending, ErrChanged or
// ErrNewer otherwise. It changes nothing.
func Verify(ctx context.Context, conn driver.Conn, account Account) error {
	var exists uint64
	err := conn.QueryRow(ctx, "SELECT count() FROM system.tables WHERE database = 'touchline' AND name = 'schema_migrations'").Scan(&exists)
	if err != nil {
		return fmt.Errorf("look for migrations: %w", err)
	}
	if exists == 0 {
		return fmt.Errorf("%w: it was never migrated", ErrPending)
	}
	notes, err := readNotes(ctx, conn)
	if err != nil {
		return err
	}
	missing, err := missingMigrations(notes)
	if err != nil {
		return err
	}
	if len(missing) > 0 {
		return fmt.Errorf("%w: %s is missing", ErrPending, missing[0].Name)
	}
	stale, err := staleViews(ctx, conn, account, notes)
	if err != nil {
		return err
	}
	if len(stale) > 0 {
		return fmt.Errorf("%w: %s differs", ErrPending, stale[0].name)
	}
	return nil
}

// missingMigrations returns the migrations that are not noted, in order.
func missingMigrations(notes map[string]string) ([]schema.Statement, error) {
	migrations, err := schema.Migrations()
	if err != nil {
		return nil, fmt.Errorf("read migrations: %w", err)
	}
	known := make(map[string]bool, len(migrations))
	var missing []schema.Statement
	for _, s := range migrations {
		known[s.Name] = true
		switch noted, ok := notes[s.Name]; {
		case !ok:
			missing = append(missing, s)
		case noted != checksum(s.SQL):
			return nil, fmt.Errorf("check %s: %w", s.Name, ErrChanged)
		}
	}
	for name := range notes {
		if strings.HasPrefix(name, "migrations/") && !known[name] {
			return nil, fmt.Errorf("check %s: %w", name, ErrNewer)
		}
	}
	return missing, nil
}

// readNotes returns the checksum of everything applied, by name.
func readNotes(ctx context.Context, conn driver.Conn) (notes map[string]string, err error) {
	rows, err := conn.Query(ctx, "SELECT name, checksum FROM touchline.schema_migrations FINAL")
	if err != nil {
		return nil, fmt.Errorf("read applied migrations: %w", err)
	}
	defer func() { err = errors.Join(err, rows.Close()) }()
	notes = map[string]string{}
	for rows.Next() {
		var name, sum string
		if err := rows.Scan(&name, &sum); err != nil {
			return nil, fmt.Errorf("read applied migrations: %w", err)
		}
		notes[name] = sum
	}
	if err := rows.Err(); err != nil {
		return nil, fmt.Errorf("read applied migrations: %w", err)
	}
	return notes, nil
}

// run runs a statement and notes it.
func run(ctx context.Context, conn driver.Conn, s schema.Statement, sql, sum string) error {
	if err := conn.Exec(ctx, sql); err != nil {
		return fmt.Errorf("run %s: %w", s.Name, err)
	}
	// Names and checksums are ours: letters, digits and "/_." only.
	note := fmt.Sprintf("INSERT INTO touchline.schema_migrations (name, checksum, applied_at) SELECT '%s', '%s', now64(3)", s.Name, sum)
	if err := conn.Exec(ctx, note); err != nil {
		return fmt.Errorf("note %s: %w", s.Name, err)
	}
	return nil
}

func checksum(parts ...string) string {
	h := sha256.New()
	for _, p := range parts {
		h.Write([]byte(p))
		h.Write([]byte{0})
	}
	return hex.EncodeToString(h.Sum(nil))
}
