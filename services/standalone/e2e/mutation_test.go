package e2e_test

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// mutation is a file of the directory mutations: a change of the programs that
// breaks a promise, or makes trouble that they promise to get over.
//
//	What it does, for the reader.
//
//	with: other
//	mix: kill enricher, pause clickhouse
//	faults: 8
//	found: yes
//
//	--- services/internal/landing/flush.go
//	text that stands once in that file, or nothing where there is no such file
//	--- becomes
//	text in its place
//
// with takes the edits of another file in, and of that one's. mix and faults are what the kill test
// does; found says whether its audit has to find something.
type mutation struct {
	name   string
	with   string
	mix    string
	faults int
	found  bool
	edits  []edit
}

// mutations reads the directory, in the order of names.
func mutations(t *testing.T) []mutation {
	t.Helper()
	files, err := filepath.Glob(filepath.Join("mutations", "*.txt"))
	if err != nil {
		t.Fatal(err)
	}
	var all []mutation
	var own [][]edit
	for _, file := range files {
		m, err := readMutation(file)
		if err != nil {
			t.Fatal(err)
		}
		all, own = append(all, m), append(own, m.edits)
	}
	for i := range all {
		for with := all[i].with; with != ""; {
			j := slices.IndexFunc(all, func(m mutation) bool { return m.name == with })
			if j < 0 {
				t.Fatalf("%s: there is no mutation %q", all[i].name, with)
			}
			all[i].edits = append(all[i].edits, own[j]...)
			with = all[j].with
		}
	}
	return all
}

func readMutation(file string) (mutation, error) {
	m := mutation{name: strings.TrimSuffix(filepath.Base(file), ".txt")}
	text, err := os.ReadFile(file)
	if err != nil {
		return m, err
	}
	head, rest, _ := strings.Cut(string(text), "\n--- ")
	for line := range strings.Lines(head) {
		key, value, ok := strings.Cut(strings.TrimSpace(line), ": ")
		if !ok {
			continue
		}
		switch key {
		case "with":
			m.with = value
		case "mix":
			m.mix = value
		case "faults":
			if m.faults, err = strconv.Atoi(value); err != nil {
				return m, fmt.Errorf("%s: faults: %w", file, err)
			}
		case "found":
			m.found = value == "yes"
		}
	}
	for part := range strings.SplitSeq(rest, "\n--- services/") {
		name, change, _ := strings.Cut(strings.TrimPrefix(part, "services/"), "\n")
		find, put, ok := strings.Cut("\n"+change, "\n--- becomes\n")
		if !ok {
			return m, fmt.Errorf("%s: the change of %s has no other side", file, name)
		}
		m.edits = append(m.edits, edit{file: "services/" + name, find: strings.TrimPrefix(find, "\n"), put: strings.TrimSuffix(put, "\n")})
	}
	return m, nil
}

// TestMutations_apply keeps the mutations from rotting: what they replace has to
// stand in the source as it is now.
func TestMutations_apply(t *testing.T) {
	all := mutations(t)
	found := 0
	for _, m := range all {
		changed(t, m.edits)
		if m.found {
			found++
		}
	}
	if found < 6 || len(all) == found {
		t.Errorf("%d mutations break a promise and %d do not, want at least 6 and 1", found, len(all)-found)
	}
}
