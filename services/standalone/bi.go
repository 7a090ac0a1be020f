package standalone

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/ClickHouse/clickhouse-go/v2/lib/driver"

	"touchline.dev/schemas/projects"
	"touchline.dev/services/internal/clickhouse"
	"touchline.dev/services/internal/config"
	server "touchline.dev/services/internal/embedded/clickhouse"
	"touchline.dev/services/standalone/internal/bi"
)

const biUsage = "want touchline bi user add|allow|remove|sql NAME, touchline bi user list, or touchline bi check"

// biCommand looks after the users of BI tools.
func biCommand(c *call) error {
	switch {
	case len(c.args) > 0 && c.args[0] == "check":
		c.args = c.args[1:]
		return biCheck(c)
	case len(c.args) > 1 && c.args[0] == "user":
		verb := c.args[1]
		c.args = c.args[2:]
		return biUser(c, verb)
	}
	c.code = config.ExitBadConfig
	return errors.New(biUsage)
}

type biUserSettings struct {
	Dir     string   `yaml:"dir" doc:"Directory of a running touchline up."`
	Project []string `yaml:"project" doc:"Projects that the user may read, with commas between them."`
	All     bool     `yaml:"all" doc:"The user may read every project, also those to come."`
}

// projects returns what the user may read.
func (s biUserSettings) projects() ([]string, error) {
	if s.All == (len(s.Project) > 0) {
		return nil, errors.New("want --project or --all")
	}
	if s.All {
		return []string{bi.Everything}, nil
	}
	for _, id := range s.Project {
		if _, err := projects.Parse(fmt.Appendf(nil, "projects: [{id: %q, write_keys: [check]}]", id)); err != nil {
			return nil, fmt.Errorf("project %q: no id of a project", id)
		}
	}
	return s.Project, nil
}

// biUser makes, changes, lists and removes users.
func biUser(c *call, verb string) error {
	name := ""
	if verb != "list" && len(c.args) > 0 && !strings.HasPrefix(c.args[0], "-") {
		name = c.args[0]
		c.args = c.args[1:]
	}
	var s biUserSettings
	if done, err := c.load("touchline-bi", &s); done || err != nil {
		return err
	}
	run := map[string]func(c *call, dir, name string, ids []string) error{
		"add": biAdd, "allow": biAllow, "remove": biRemove, "list": biList, "sql": biSQL,
	}[verb]
	if run == nil || name == "" && verb != "list" {
		c.code = config.ExitBadConfig
		return errors.New(biUsage)
	}
	var ids []string
	var err error
	if verb == "add" || verb == "allow" || verb == "sql" {
		ids, err = s.projects()
	}
	if err == nil && (verb == "add" || verb == "sql") {
		err = server.CheckLogin(name)
	}
	if err != nil {
		c.code = config.ExitBadConfig
		return err
	}
	return run(c, s.Dir, name, ids)
}

// biAdmin is a running `touchline up` with its writer's connection.
type biAdmin struct {
	ready  Ready
	url    string
	logins server.Logins
	conn   driver.Conn
	rights bi.Rights
}

// openAdmin finds the ClickHouse of a directory, whose pipeline must have these
// projects. The caller closes the connection.
func openAdmin(ctx context.Context, dir string, ids []string) (biAdmin, error) {
	if dir == "" {
		return biAdmin{}, errors.New("want --dir, the directory of a running touchline up; on a ClickHouse server of your own, run what touchline bi user sql prints")
	}
	r, err := readReady(dir)
	if err != nil {
		return biAdmin{}, err
	}
	if r.BIUser == "" {
		return biAdmin{}, errors.New("its ClickHouse is a server of your own: run there what touchline bi user sql prints")
	}
	if err := r.known(ids); err != nil {
		return biAdmin{}, err
	}
	data := filepath.Join(dir, "clickhouse")
	w, err := server.WriterOf(data)
	if err != nil {
		return biAdmin{}, err
	}
	conn, err := clickhouse.Open(clickhouse.Config{URL: r.ClickHouse, User: w.User, Password: config.NewSecret(w.Password)})
	if err != nil {
		return biAdmin{}, err
	}
	if err := conn.Exec(ctx, "SELECT 1"); err != nil {
		return biAdmin{}, errors.Join(fmt.Errorf("ask the ClickHouse of %s; is touchline up running there? %w", dir, err), conn.Close())
	}
	return biAdmin{r, r.ClickHouse, server.LoginsOf(data), conn, bi.Rights{Writer: conn}}, nil
}

// known refuses projects that the pipeline does not have: a mistyped one would be
// an empty dashboard.
func (r Ready) known(ids []string) error {
	var have []string
	for _, p := range r.Projects {
		have = append(have, p.ID)
	}
	for _, id := range ids {
		if id != bi.Everything && !slices.Contains(have, id) {
			return fmt.Errorf("there is no project %q; there are %s", id, strings.Join(have, ", "))
		}
	}
	return nil
}

// biAdd makes a user and prints its password, which is not shown again.
func biAdd(c *call, dir, name string, ids []string) error {
	a, err := openAdmin(c.ctx, dir, ids)
	if err != nil {
		return err
	}
	defer a.conn.Close()
	made, err := a.logins.Add(c.ctx, name)
	if err != nil {
		return err
	}
	if err := a.rights.Replace(c.ctx, name, ids); err != nil {
		return errors.Join(err, a.logins.Remove(c.ctx, name))
	}
	if _, err := fmt.Fprintf(c.stdout, "address   %s\nuser      %s\npassword  %s\nprojects  %s\n",
		a.url, made.User, made.Password, strings.Join(ids, ", ")); err != nil {
		return err
	}
	if err := a.awaitLogin(c.ctx, made); err != nil {
		return fmt.Errorf("the user is made, but cannot log in yet: %w", err)
	}
	_, err = fmt.Fprintln(c.stderr, "The password is not shown again.")
	return err
}

// loginWait is how long a running server may take to learn of a login: it looks
// every second, and starts its engine again in one to three.
const loginWait = 30 * time.Second

// awaitLogin returns when the user can log in.
func (a biAdmin) awaitLogin(ctx context.Context, user server.Credentials) error {
	ctx, cancel := context.WithTimeout(ctx, loginWait)
	defer cancel()
	conn, err := clickhouse.Open(clickhouse.Config{URL: a.url, User: user.User, Password: config.NewSecret(user.Password)})
	if err != nil {
		return err
	}
	defer conn.Close()
	for {
		err := conn.Exec(ctx, "SELECT 1")
		if err == nil {
			return nil
		}
		select {
		case <-ctx.Done():
			return err
		case <-time.After(100 * time.Millisecond):
		}
	}
}

// biAllow replaces what a user may read.
func biAllow(c *call, dir, name string, ids []string) error {
	a, err := openAdmin(c.ctx, dir, ids)
	if err != nil {
		return err
	}
	defer a.conn.Close()
	names, err := a.logins.List()
	if err != nil {
		return err
	}
	if name != a.ready.BIUser && !slices.Contains(names, name) {
		return fmt.Errorf("allow %q: %w", name, server.ErrNoLogin)
	}
	return a.rights.Replace(c.ctx, name, ids)
}

// biRemove takes a user's rights, which works at once, and then the login.
func biRemove(c *call, dir, name string, _ []string) error {
	a, err := openAdmin(c.ctx, dir, nil)
	if err != nil {
		return err
	}
	defer a.conn.Close()
	if name == a.ready.BIUser || name == "writer" || name == "default" {
		return fmt.Errorf("%s is a user that Touchline needs; touchline bi user allow sets what bi may read", name)
	}
	return errors.Join(a.rights.Replace(c.ctx, name, nil), a.logins.Remove(c.ctx, name))
}

func biList(c *call, dir, _ string, _ []string) error {
	a, err := openAdmin(c.ctx, dir, nil)
	if err != nil {
		return err
	}
	defer a.conn.Close()
	names, err := a.logins.List()
	if err != nil {
		return err
	}
	rights, err := a.rights.All(c.ctx)
	if err != nil {
		return err
	}
	w := tabwriter.NewWriter(c.stdout, 0, 0, 2, ' ', 0)
	_, _ = fmt.Fprintln(w, "USER\tPROJECTS") // Flush reports the error
	for _, name := range append([]string{a.ready.BIUser}, names...) {
		ids := strings.Join(rights[name], ", ")
		switch ids {
		case bi.Everything:
			ids = "all"
		case "":
			ids = "none"
		}
		_, _ = fmt.Fprintf(w, "%s\t%s\n", name, ids)
	}
	return w.Flush()
}

// biSQL prints the statements that make a user on a server that is not embedded.
func biSQL(c *call, _, name string, ids []string) error {
	password := server.NewPassword()
	for _, sql := range bi.Statements(name, password, ids) {
		if _, err := fmt.Fprintln(c.stdout, sql+";"); err != nil {
			return err
		}
	}
	_, err := fmt.Fprintf(c.stderr, "Run these as an administrator of the server. The password of %s, which is not shown again: %s\n", name, password)
	return err
}
