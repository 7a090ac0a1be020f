package bi_test

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	embedded "touchline.dev/services/internal/embedded/clickhouse"
)

var printed = regexp.MustCompile(`(?m)^user +(\S+)\npassword +([0-9a-f]{48})\nprojects +(.+)$`)

// A user is made on a running server, reads its projects and no others, can be given
// others at once, and be taken away.
func TestUsers(t *testing.T) {
	s := newSite(t)
	out, _ := s.run(t, 0, "user", "add", "acme", "--project", "shop")
	m := printed.FindStringSubmatch(out)
	if len(m) == 0 || m[1] != "acme" || m[3] != "shop" {
		t.Fatalf("printed %q", out)
	}
	acme := open(t, s.server, embedded.Credentials{User: m[1], Password: m[2]})
	sees := func(want string) {
		t.Helper()
		var have string
		err := acme.QueryRow(t.Context(), "SELECT arrayStringConcat(arraySort(groupUniqArray(project)), ' ') FROM analytics.touchpoints").Scan(&have)
		if err != nil || have != want {
			t.Errorf("sees %q, error %v, want %q", have, err, want)
		}
	}
	sees("shop")
	s.run(t, 0, "user", "allow", "acme", "--project", "blog,shop")
	sees("blog shop")
	s.run(t, 0, "user", "allow", "acme", "--all")
	sees("blog shop")
	s.run(t, 0, "user", "allow", "acme", "--project", "blog")
	sees("blog")
	s.run(t, 0, "user", "allow", "bi", "--project", "shop")
	if out, _ := s.run(t, 0, "user", "list"); out != "USER  PROJECTS\nbi    shop\nacme  blog\n" {
		t.Errorf("listed %q", out)
	}

	for _, c := range []struct {
		code int
		says string
		args []string
	}{
		{1, "there is a user of that name", []string{"user", "add", "acme", "--all"}},
		{1, `there is no project "shpo"; there are shop, blog`, []string{"user", "add", "other", "--project", "shpo"}},
		{1, "no user of that name", []string{"user", "allow", "other", "--all"}},
		{1, "no user of that name", []string{"user", "remove", "other"}},
		{1, "a user that Touchline needs", []string{"user", "remove", "writer"}},
		{1, "a user that Touchline needs", []string{"user", "remove", "bi"}},
		{2, "want --project or --all", []string{"user", "add", "other"}},
		{2, "want --project or --all", []string{"user", "add", "other", "--all", "--project", "shop"}},
		{2, "want a name of", []string{"user", "add", "o'ther", "--all"}},
		{2, "want a name of", []string{"user", "add", "writer", "--all"}},
		{2, "want a name of", []string{"user", "add", "\u00dcnal", "--all"}},
		{2, "want a name of", []string{"user", "sql", "x'; DROP USER bi; --", "--all"}},
		{1, "no user of that name", []string{"user", "allow", "o'ther", "--all"}},
		{1, "no user of that name", []string{"user", "remove", "o'ther"}},
		{2, "no id of a project", []string{"user", "allow", "acme", "--project", "o'x"}},
		{1, `there is no project "shpo"; there are shop, blog`, []string{"user", "allow", "acme", "--project", "shpo"}},
		{2, "unexpected argument shop", []string{"user", "add", "other", "shop"}},
		{2, "no id of a project", []string{"user", "add", "other", "--project", "*"}},
		{2, "want touchline bi user", []string{"user", "add"}},
		{2, "want touchline bi user", []string{"user", "fly", "other"}},
	} {
		if _, errs := s.run(t, c.code, c.args...); !strings.Contains(errs, c.says) {
			t.Errorf("touchline bi %q says %q, want %q", c.args, errs, c.says)
		}
	}

	s.run(t, 0, "user", "remove", "acme")
	if out, _ := s.run(t, 0, "user", "list"); strings.Contains(out, "acme") {
		t.Errorf("listed %q", out)
	}
	var n uint64
	if err := s.writer.QueryRow(t.Context(), "SELECT count() FROM touchline.bi_access WHERE user = 'acme'").Scan(&n); err != nil || n != 0 {
		t.Errorf("%d rights are left, error %v", n, err)
	}
}

func TestUsersWithoutAServer(t *testing.T) {
	for _, c := range []struct {
		code int
		says string
		args []string
	}{
		{2, "want touchline bi user", nil},
		{2, "want touchline bi user", []string{"user"}},
		{1, "want --dir", []string{"user", "list"}},
		{1, "find touchline up: none is ready", []string{"user", "list", "--dir", t.TempDir()}},
		{1, "find touchline up: none is ready", []string{"check", "--dir", t.TempDir()}},
	} {
		if _, errs := run(t, c.code, c.args...); !strings.Contains(errs, c.says) {
			t.Errorf("touchline bi %q says %q, want %q", c.args, errs, c.says)
		}
	}
}

// The statements for a server of one's own say what its users file says, and the
// engine reads them up to where it asks for the rights of an administrator.
func TestStatementsForAServerOfOnesOwn(t *testing.T) {
	out, errs := run(t, 0, "user", "sql", "acme", "--project", "shop,blog")
	password := regexp.MustCompile(`[0-9a-f]{48}`).FindString(errs)
	if password == "" || strings.Contains(out, password) {
		t.Errorf("the password %q must be told aside: %q", password, errs)
	}
	if !strings.Contains(out, "INSERT INTO touchline.bi_access (user, project) VALUES ('acme', 'blog'), ('acme', 'shop');\n") {
		t.Errorf("printed %s", out)
	}
	text, err := os.ReadFile(filepath.Join("..", "..", "..", "..", "deploy", "clickhouse", "users.xml"))
	if err != nil {
		t.Fatal(err)
	}
	_, profile, _ := strings.Cut(string(text), "<bi>")
	profile, _, _ = strings.Cut(profile, "</bi>")
	values, constraints, _ := strings.Cut(profile, "<constraints>")
	flat := strings.ReplaceAll(out, "'", "")
	for _, m := range regexp.MustCompile(`<(\w+)>([^<]*)</\w+>`).FindAllStringSubmatch(values, -1) {
		if !regexp.MustCompile(`\b` + m[1] + ` = ` + regexp.QuoteMeta(m[2]) + `\b`).MatchString(flat) {
			t.Errorf("lacks %s = %s", m[1], m[2])
		}
	}
	for _, m := range regexp.MustCompile(`<(\w+)><changeable_in_readonly/>(?:<min>(\d+)</min><max>(\d+)</max>)?`).FindAllStringSubmatch(constraints, -1) {
		rule := " CHANGEABLE_IN_READONLY"
		if m[2] != "" {
			rule = " MIN " + m[2] + " MAX " + m[3] + rule
		}
		if !regexp.MustCompile(m[1] + ` = [^,\n]+` + rule).MatchString(out) {
			t.Errorf("lacks %s with%s", m[1], rule)
		}
	}
	if have, want := strings.Count(out, "CHANGEABLE_IN_READONLY"), strings.Count(constraints, "changeable_in_readonly"); have != want {
		t.Errorf("%d settings may change, want %d", have, want)
	}
	for _, m := range regexp.MustCompile(`<query>(GRANT .*)</query>`).FindAllStringSubmatch(string(text), -1) {
		if !strings.Contains(out, m[1]+" TO acme;\n") {
			t.Errorf("lacks %s", m[1])
		}
	}

	s := newSite(t)
	for sql := range strings.SplitSeq(strings.TrimSuffix(out, ";\n"), ";\n") {
		err := s.writer.Exec(t.Context(), sql)
		if strings.HasPrefix(sql, "INSERT ") {
			if err != nil {
				t.Errorf("%s: %v", sql, err)
			}
			continue
		}
		// The grants come after the user, who was refused.
		if err == nil || !strings.Contains(err.Error(), "ACCESS_DENIED") && !strings.Contains(err.Error(), "UNKNOWN_ROLE") {
			t.Errorf("%s: %v", sql, err)
		}
	}
}
