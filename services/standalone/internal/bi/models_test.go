//go:build bitools

package bi_test

import (
	"os/exec"
	"testing"
	"time"
)

// dbt takes deploy/bi/dbt/sources.yml, finds it in the database as it says, and
// tests and shows models on it.
func TestDBT(t *testing.T) {
	s := newSite(t)
	s.loadDemo(t)
	s.tool(t, 6, 10*time.Minute, python(fetch(t, "dbt")), "python3", script(t, "dbt", "check.py"),
		t.TempDir(), script(t, "..", "..", "deploy", "bi", "dbt", "sources.yml"))
}

// What docs/bi.md shows in R works; it needs R as Debian's package r-base-core has it.
func TestR(t *testing.T) {
	if _, err := exec.LookPath("Rscript"); err != nil {
		t.Fatal("Rscript is missing: install R, Debian's package r-base-core")
	}
	s := newSite(t)
	s.loadDemo(t)
	s.documented(t, "r", t.TempDir(), "snippet.R", nil, "Rscript")
}

// Cube compiles deploy/bi/cube/touchline.yml, and what its queries become works.
func TestCube(t *testing.T) {
	s := newSite(t)
	s.loadDemo(t)
	s.loadGrain(t)
	s.tool(t, 5, 10*time.Minute, []string{"BI_PACKAGES=" + fetch(t, "cube")}, "node", script(t, "cube", "check.mjs"),
		script(t, "..", "..", "deploy", "bi", "cube", "touchline.yml"))
}
