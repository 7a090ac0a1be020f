package repotest

import (
	"encoding/xml"
	"errors"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"touchline.dev/schemas/projects"
)

func checkProjects(t *testing.T, text string) {
	t.Helper()
	set, err := projects.Parse([]byte(text))
	if err != nil {
		t.Fatal(err)
	}
	for key, project := range map[string]string{"demo": "demo", "shop-web-key": "shop", "shop-backend-key": "shop"} {
		if g, ok := set.Key([]byte(key), "segment", time.Now()); !ok || g.Project.ID != project {
			t.Errorf("key %s opens %v, want project %s", key, g.Project, project)
		}
	}
}

var copies = regexp.MustCompile(`(?m)^COPY ((?:--\S+ )*)(.+)$`)

// TestDockerfile checks that everything it copies exists and passes its ignore
// file, that it knows every module, and that each program is where it looks.
func TestDockerfile(t *testing.T) {
	text := read(t, "deploy/docker/Dockerfile")
	ignore := read(t, "deploy/docker/Dockerfile.dockerignore")
	copied := make(map[string]bool)
	for _, m := range copies.FindAllStringSubmatch(text, -1) {
		words := strings.Fields(m[2])
		if strings.Contains(m[1], "--from=") {
			continue
		}
		for _, source := range words[:len(words)-1] {
			copied[source] = true
			if _, err := os.Stat(filepath.Join(root(t), source)); err != nil {
				t.Errorf("copies %s: %v", source, err)
			}
			if !admitted(ignore, source) {
				t.Errorf("copies %s, which Dockerfile.dockerignore keeps out", source)
			}
		}
	}
	if len(copied) == 0 {
		t.Fatal("copies nothing")
	}
	for line := range strings.Lines(read(t, "go.work")) {
		module, ok := strings.CutPrefix(strings.TrimSpace(line), "./")
		if ok && (!copied[module+"/go.mod"] || !copied[module+"/go.sum"]) {
			t.Errorf("does not copy go.mod and go.sum of %s before the code", module)
		}
	}
	for program := range programs() {
		module := program
		if program == "touchline" {
			module = "standalone"
		}
		if _, err := os.Stat(filepath.Join(root(t), "services", module, "cmd", program, "main.go")); err != nil {
			t.Error(err)
		}
	}
	for line := range strings.Lines(text) {
		if image, ok := strings.CutPrefix(line, "FROM "); ok && !regexp.MustCompile(`^\S+:\S+`).MatchString(image) {
			t.Errorf("builds on %q without a version", image)
		}
	}
}

// admitted reports that one of the exceptions of the ignore file holds source.
func admitted(ignore, source string) bool {
	for line := range strings.Lines(ignore) {
		exception, ok := strings.CutPrefix(strings.TrimSpace(line), "!")
		if ok && (source == exception || strings.HasPrefix(source, exception+"/")) {
			return true
		}
	}
	return false
}

// TestClickHouseUsers compares what the bi user may do on a server of its own
// with what it may do on the embedded one, which is tried with real clients.
func TestClickHouseUsers(t *testing.T) {
	server := parseXML(t, read(t, "deploy/clickhouse/users.xml"))
	template := read(t, "services/internal/embedded/clickhouse/users.xml.tmpl")
	template = strings.NewReplacer("{{.Name}}", "bi", "{{.Writer.User}}", "writer").Replace(template)
	embedded := parseXML(t, template)
	for _, path := range []string{"profiles/bi", "users/bi/grants"} {
		got, want := server.at(t, path), embedded.at(t, path)
		// Resources differ with the machine.
		for _, resource := range []string{"max_threads", "max_memory_usage", "log_queries"} {
			got.drop(resource)
			want.drop(resource)
		}
		if got.text() != want.text() {
			t.Errorf("%s: got\n%s\nwant, as embedded,\n%s", path, got.text(), want.text())
		}
	}
	compose := read(t, "docker-compose.yml")
	for _, user := range []string{"writer", "bi"} {
		variable := server.at(t, "users/"+user+"/password").attr["from_env"]
		if variable == "" || !strings.Contains(compose, "\n      "+variable+": ${"+variable+":?") {
			t.Errorf("the password of %s comes from the variable %q, which docker-compose.yml does not demand", user, variable)
		}
	}
	parseXML(t, read(t, "deploy/clickhouse/config.xml"))
}

// element is an XML element; comments are left out.
type element struct {
	name     string
	attr     map[string]string
	data     string
	children []*element
}

func parseXML(t *testing.T, text string) *element {
	t.Helper()
	d := xml.NewDecoder(strings.NewReader(text))
	top := &element{}
	open := []*element{top}
	for {
		token, err := d.Token()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		last := open[len(open)-1]
		switch token := token.(type) {
		case xml.StartElement:
			e := &element{name: token.Name.Local, attr: map[string]string{}}
			for _, a := range token.Attr {
				e.attr[a.Name.Local] = a.Value
			}
			last.children = append(last.children, e)
			open = append(open, e)
		case xml.EndElement:
			open = open[:len(open)-1]
		case xml.CharData:
			last.data += strings.TrimSpace(string(token))
		}
	}
	if len(top.children) != 1 || top.children[0].name != "clickhouse" {
		t.Fatal("the outermost element is not clickhouse")
	}
	return top.children[0]
}

func (e *element) at(t *testing.T, path string) *element {
	t.Helper()
next:
	for name := range strings.SplitSeq(path, "/") {
		for _, c := range e.children {
			if c.name == name {
				e = c
				continue next
			}
		}
		t.Fatalf("no element %s", path)
	}
	return e
}

func (e *element) drop(name string) {
	var kept []*element
	for _, c := range e.children {
		if c.name != name {
			kept = append(kept, c)
		}
	}
	e.children = kept
}

// text renders the element in one form.
func (e *element) text() string {
	var b strings.Builder
	e.write(&b, "")
	return b.String()
}

func (e *element) write(b *strings.Builder, indent string) {
	b.WriteString(indent + e.name + " " + e.data + "\n")
	for _, c := range e.children {
		c.write(b, indent+"  ")
	}
}
