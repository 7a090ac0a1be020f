package e2e_test

import (
	"os"
	"path/filepath"
	"testing"
)

// deployment is Touchline as somebody runs it. Its data outlives stop and kill:
// start goes on where it was. The methods are for one goroutine, except
// collector, which clients ask at any time.
type deployment interface {
	// start starts everything and returns when it is ready.
	start(t *testing.T)
	// stop ends everything cleanly.
	stop(t *testing.T)
	// kill ends everything that runs with SIGKILL.
	kill()
	// collector is the URL that SDKs post to.
	collector() string
	// kafka is host:port of the brokers, joined by commas.
	kafka() string
	// bi reads as BI tools do, writer as the services.
	bi() database
	writer() database
	// auditor are the arguments and the environment that tell touchline audit
	// where everything is.
	auditor() (args, env []string)
	// admins are the URLs of the admin listeners of all processes.
	admins() []string
	// place is where its files are.
	place() *site
}

// part is a process of a deployment that can be hurt by itself.
type part struct {
	name string
	// kill ends it with SIGKILL; revive starts it again and does not wait until
	// it is ready, because that may take other parts to be well.
	kill, revive func(t *testing.T)
	// ready is nil once a revived part does its work.
	ready func() error
	// pause stops it in the middle of whatever it does, as a machine does that
	// gives it no time; resume lets it go on.
	pause, resume func(t *testing.T)
}

// site is the directory of one deployment.
type site struct{ dir string }

// newSite makes a directory with a projects file. It stays when the test fails.
func newSite(t *testing.T, projects string) *site {
	t.Helper()
	dir, err := os.MkdirTemp("", "touchline-e2e-") //nolint:usetesting // it is kept when the test fails
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if t.Failed() {
			t.Logf("logs and data of the failed test are in %s", dir)
			return
		}
		if err := os.RemoveAll(dir); err != nil {
			t.Error(err)
		}
	})
	s := &site{dir}
	s.writeProjects(t, projects)
	return s
}

func (s *site) path(names ...string) string {
	return filepath.Join(append([]string{s.dir}, names...)...)
}

func (s *site) projects() string { return s.path("projects.yaml") }

// writeProjects replaces the projects file as a whole.
func (s *site) writeProjects(t *testing.T, content string) {
	t.Helper()
	next := s.projects() + ".next"
	if err := os.WriteFile(next, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Rename(next, s.projects()); err != nil {
		t.Fatal(err)
	}
}
