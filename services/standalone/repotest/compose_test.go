package repotest

import (
	"bytes"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/compose-spec/compose-go/v2/loader"
	"github.com/compose-spec/compose-go/v2/types"

	"touchline.dev/services/internal/config"
)

// secrets returns what scripts/compose-env.sh writes into .env. The loader adds
// to the map it is given, so each call makes one.
func secrets() types.Mapping {
	return types.Mapping{
		"TOUCHLINE_WRITER_PASSWORD":     "writer-password",
		"TOUCHLINE_BI_PASSWORD":         "bi-password",
		"TOUCHLINE_INSTALLATION_SECRET": "000102030405060708090a0b0c0d0e0f",
	}
}

// compose loads docker-compose.yml as docker compose does; unknown keys, unknown
// volumes and the like are errors.
func compose(t *testing.T, environment types.Mapping) (*types.Project, error) {
	t.Helper()
	dir := root(t)
	return loader.LoadWithContext(t.Context(), types.ConfigDetails{
		WorkingDir:  dir,
		ConfigFiles: []types.ConfigFile{{Filename: filepath.Join(dir, "docker-compose.yml")}},
		Environment: environment,
	}, func(o *loader.Options) { o.SetProjectName("touchline", false) })
}

func loaded(t *testing.T) *types.Project {
	t.Helper()
	p, err := compose(t, secrets())
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// ours returns the services that are built here, by name, with their program.
func ours(t *testing.T, p *types.Project) map[string]string {
	t.Helper()
	found := make(map[string]string)
	for name, s := range p.Services {
		if s.Build == nil {
			continue
		}
		program := s.Build.Args["SERVICE"]
		if program == nil || programs()[*program].main == nil {
			t.Fatalf("service %s is built from no program: %v", name, s.Build.Args)
		}
		found[name] = *program
	}
	for program := range programs() {
		if !slices.Contains(slices.Collect(maps.Values(found)), program) {
			t.Errorf("no service runs %s", program)
		}
	}
	return found
}

func environment(s types.ServiceConfig) []string {
	var env []string
	for name, value := range s.Environment {
		if value != nil {
			env = append(env, name+"="+*value)
		}
	}
	slices.Sort(env)
	return env
}

// TestCompose_environment has each program check the very environment and
// command that the compose file gives it.
func TestCompose_environment(t *testing.T) {
	p := loaded(t)
	for name, of := range ours(t, p) {
		t.Run(name, func(t *testing.T) {
			s, prog := p.Services[name], programs()[of]
			if prog.settings != nil {
				known := config.EnvNames(of, prog.settings)
				for variable := range s.Environment {
					if !slices.Contains(known, variable) {
						t.Errorf("%s knows no variable %s", of, variable)
					}
				}
			}
			run := func(env []string, flag string) (int, string) {
				var out, complaint bytes.Buffer
				code := prog.main(t.Context(), append(slices.Clone(s.Command), flag), env, &out, &complaint)
				return code, out.String() + complaint.String()
			}
			env := environment(s)
			if code, out := run(env, "--check-config"); code != 0 {
				t.Errorf("exit code %d: %s", code, out)
			}
			// An address of this host in force is a default that was not replaced:
			// in a container it leads nowhere. Nor do no brokers at all.
			_, effective := run(env, "--print-config")
			for _, trace := range []string{"127.0.0.1", "localhost", "brokers: []"} {
				if strings.Contains(effective, trace) {
					t.Errorf("%q is left of the defaults:\n%s", trace, effective)
				}
			}
			first, _, _ := strings.Cut(env[0], "=")
			if code, out := run(append(env, first+"X=1"), "--check-config"); code != config.ExitBadConfig {
				t.Errorf("with an unknown variable: exit code %d: %s", code, out)
			}
		})
	}
}

// TestCompose_secrets fails when the stack could start with an empty password.
func TestCompose_secrets(t *testing.T) {
	for name := range secrets() {
		less := secrets()
		delete(less, name)
		if _, err := compose(t, less); err == nil || !strings.Contains(err.Error(), name) {
			t.Errorf("without %s: got error %v", name, err)
		}
		if !strings.Contains(read(t, "scripts/compose-env.sh"), `"`+name+"=") {
			t.Errorf("scripts/compose-env.sh does not write %s", name)
		}
	}
}

// TestCompose_order checks that what a service waits for can come about.
func TestCompose_order(t *testing.T) {
	p := loaded(t)
	for name, s := range p.Services {
		for other, d := range s.DependsOn {
			target, ok := p.Services[other]
			switch {
			case !ok:
				t.Errorf("%s waits for %s, which does not exist", name, other)
			case d.Condition == types.ServiceConditionHealthy && (target.HealthCheck == nil || len(target.HealthCheck.Test) == 0):
				t.Errorf("%s waits for %s to be healthy, which has no health check", name, other)
			case d.Condition == types.ServiceConditionCompletedSuccessfully && !job(target):
				t.Errorf("%s waits for %s to end, which is restarted for ever", name, other)
			case d.Condition == types.ServiceConditionStarted:
				t.Errorf("%s only waits for %s to start", name, other)
			}
		}
		if !job(s) && (s.HealthCheck == nil || len(s.HealthCheck.Test) == 0) {
			t.Errorf("%s has no health check", name)
		}
	}
	uses := func(name, other string) {
		if _, ok := p.Services[name].DependsOn[other]; !ok {
			t.Errorf("%s does not wait for %s", name, other)
		}
	}
	uses("topics", "kafka")
	uses("migrate", "clickhouse")
	for _, name := range []string{"collector", "enricher", "scorer"} {
		uses(name, "topics")
	}
	for _, name := range []string{"enricher", "scorer"} {
		uses(name, "migrate")
	}
}

// job reports that a service runs to its end.
func job(s types.ServiceConfig) bool {
	return strings.HasPrefix(s.Restart, types.RestartPolicyOnFailure)
}

// TestCompose_containers checks images, mounts and ports.
func TestCompose_containers(t *testing.T) {
	p := loaded(t)
	built := ours(t, p)
	for name, s := range p.Services {
		if _, tag, _ := strings.Cut(s.Image, ":"); built[name] == "" && (tag == "" || tag == "latest") {
			t.Errorf("%s: image %q has no version", name, s.Image)
		}
		for _, v := range s.Volumes {
			if v.Type != types.VolumeTypeBind {
				continue
			}
			if info, err := os.Stat(v.Source); err != nil || !info.Mode().IsRegular() {
				t.Errorf("%s mounts %s, which is no file: %v", name, v.Source, err)
			}
			if !v.ReadOnly {
				t.Errorf("%s can write to %s", name, v.Source)
			}
		}
		for _, port := range s.Ports {
			if name != "collector" && port.HostIP != "127.0.0.1" {
				t.Errorf("%s opens port %s to other hosts", name, port.Published)
			}
		}
		// Replicas of --scale must not share a directory that one process owns.
		if built[name] != "" {
			for _, v := range s.Volumes {
				// A service with a port of the host has no replicas.
				if v.Type == types.VolumeTypeVolume && v.Source != "" && len(s.Ports) == 0 {
					t.Errorf("%s keeps state in the named volume %s, which its replicas would share", name, v.Source)
				}
			}
			if !s.ReadOnly {
				t.Errorf("%s can write to its image", name)
			}
		}
	}
}

// TestCompose_projects reads the projects file that the stack mounts.
func TestCompose_projects(t *testing.T) {
	checkProjects(t, read(t, "deploy/projects.yaml"))
}
