//go:build !realkafka

package e2e_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"touchline.dev/schemas/topics"
)

// Records of the dense log expire before they land. As long as raw has them,
// nothing is lost; what raw has lost too is counted.
func TestReset_expiredRecords(t *testing.T) {
	w := newWayBack(t)
	w.post(t, 20, 5)
	w.audit(t)

	w.withoutClickHouse(t, func() { w.post(t, 20, 5) })
	w.expire(t, topics.Enriched)
	w.stops(t, "enricher-2", saysExpired)
	w.goBack(t, nil, "expired before they were read", "is written again from raw")
	w.goesOn(t, 5)

	w.startServices(t)
	kept := w.traffic.journal
	w.traffic.journal = newJournal(t, w.site)
	w.withoutClickHouse(t, func() { w.post(t, 20, 0) })
	_, lost := w.traffic.journal.sums("shop")
	_, others := w.traffic.journal.sums("other")
	w.traffic.journal = kept
	w.posted = nil // nobody knows their messages any more
	w.expire(t, topics.Enriched)
	w.expire(t, topics.Raw)
	w.stops(t, "enricher-2", saysExpired)
	w.goBack(t, nil, "what expired there counts as lost_retention in the ledger")
	w.goesOn(t, 5)
	if n := mustCount(t, w.writer(), "SELECT sum(events) FROM touchline.outcomes WHERE outcome = 'lost_retention'"); n != lost+others {
		finding(t, "%d events are counted as lost, %d are", n, lost+others)
	}
	w.kill()
}

// Raw is made again while records of the dense log have neither landed nor been
// counted: they are, as those of the raw log that is gone.
func TestReset_rawRecreatedWhileRecordsWait(t *testing.T) {
	w := newWayBack(t)
	w.post(t, 20, 5)
	w.audit(t)
	w.services["scorer-2"].stop(t)
	w.withoutClickHouse(t, func() { w.post(t, 20, 5) })
	w.recreate(t, topics.Raw)
	w.goBack(t, nil, "records of the dense log that answer the old offsets are taken first")
	w.goesOn(t, 5)
	if n := mustCount(t, w.writer(), "SELECT uniqExact(src_topic) FROM touchline.touchpoints"); n != 2 {
		t.Errorf("rows have come from %d raw logs, want 2", n)
	}
	w.kill()
}

// postMixed posts a batch of one device, which lands as one, with events that are
// stored and events that are not.
func (p *poster) postMixed(t *testing.T) {
	t.Helper()
	for {
		b := p.next()
		if !slices.ContainsFunc(b.events, func(e sent) bool { return e.fate == refused }) ||
			!slices.ContainsFunc(b.events, func(e sent) bool { return e.fate != refused }) {
			continue
		}
		var body struct {
			Batch  []map[string]json.RawMessage `json:"batch"`
			SentAt json.RawMessage              `json:"sentAt"`
		}
		if err := json.Unmarshal([]byte(b.body), &body); err != nil {
			t.Fatal(err)
		}
		for _, call := range body.Batch {
			call["anonymousId"] = json.RawMessage(`"device-1"`)
		}
		b.body = string(encode(body))
		p.send(t, b)
		p.posted = append(p.posted, b)
		return
	}
}

// halfInserted leaves a chunk whose rows are in the tables, but not its outcomes,
// which come last.
func (w *wayBack) halfInserted(t *testing.T) {
	t.Helper()
	w.startServices(t)
	w.post(t, 5, 0)
	drain(t, w, startTime)
	w.statement(t, "DETACH TABLE touchline.outcomes")
	w.postMixed(t) // may be all that the chunk holds
	w.post(t, 20, 5)
	w.enriched(t)
	// The outcomes are refused once the blocks before them are in.
	p := w.services["enricher-2"]
	await(t, startTime, "a chunk waits for its outcomes", func() error {
		log, err := os.ReadFile(p.log)
		if err == nil && !bytes.Contains(log[p.since:], []byte(`"insert failed, is repeated"`)) {
			err = errors.New("no insert has failed")
		}
		return err
	})
	w.crash(t)
	w.statement(t, "ATTACH TABLE touchline.outcomes")
}

func (w *wayBack) statement(t *testing.T, sql string) {
	t.Helper()
	if _, err := w.writer().query(sql, nil); err != nil {
		t.Fatalf("%s: %v", sql, err)
	}
}

// A chunk that is about to be inserted is left to its service, which finishes it
// when it is started. One that nobody can finish is abandoned only when that is
// asked for.
func TestReset_refusesWhileAChunkIsPending(t *testing.T) {
	w := newWayBack(t)
	w.post(t, 20, 5)
	w.audit(t)
	w.stopServices(t)

	w.halfInserted(t)
	w.forget(t, topics.GroupScorer)
	before := w.commits(t)
	if r := w.reset(t, "--apply"); r.code != 1 || !strings.Contains(r.stdout, "refused: touchline-land-touchpoints") ||
		!strings.Contains(r.stdout, "the service finishes it by itself") {
		t.Fatalf("touchline reset: %+v", r)
	}
	if after := w.commits(t); after != before {
		t.Errorf("refused, the commits have changed from\n%s to\n%s", before, after)
	}
	w.launchService(t, "enricher-2")
	await(t, startTime, "the chunks are finished", func() error {
		for _, o := range w.committed(t, w.admin(t), topics.GroupTouchpoints) {
			if strings.Contains(o.Metadata, `"pend"`) {
				return fmt.Errorf("partition %d: %s", o.Partition, o.Metadata)
			}
		}
		return nil
	})
	w.services["enricher-2"].stop(t)
	w.goBack(t, nil, "the scorer makes fragments and profiles again")
	w.goesOn(t, 5)

	w.halfInserted(t)
	w.recreate(t, topics.Enriched)
	w.stops(t, "enricher-2", saysRecreated)
	before = w.commits(t)
	if r := w.reset(t, "--apply"); r.code != 1 || !strings.Contains(r.stdout, "a chunk is half inserted: rows reach to raw offset") {
		t.Fatalf("touchline reset: %+v", r)
	}
	if after := w.commits(t); after != before {
		t.Errorf("refused, the commits have changed from\n%s to\n%s", before, after)
	}
	w.goBack(t, []string{"--abandon-intents"}, "a chunk is left as it is", "show as residual in the ledger")
	w.startServices(t)
	w.post(t, 10, 5)
	w.auditTables(t)
	residual := 0
	for _, a := range readLedger(t, w).Projects {
		residual += a.Residual
	}
	if residual <= 0 {
		t.Errorf("the outcomes that were left out show as a residual of %d", residual)
	}
	w.kill()
}

// A group that somebody is in goes on from what it knows; nothing is written.
func TestReset_refusesWhileAServiceRuns(t *testing.T) {
	w := newWayBack(t)
	w.post(t, 10, 0)
	w.audit(t)
	if r := w.reset(t); r.code != 0 || !strings.Contains(r.stdout, "nothing is wrong") {
		t.Errorf("touchline reset while all is well: %+v", r)
	}
	w.services["scorer-2"].stop(t)
	w.forget(t, topics.GroupPersons)
	before := w.commits(t)
	if r := w.reset(t, "--apply"); r.code != 1 || !strings.Contains(r.stdout, "refused: group touchline-enricher is in use (Stable): stop the services first") {
		t.Errorf("touchline reset: %+v", r)
	}
	if after := w.commits(t); after != before {
		t.Errorf("refused, the commits have changed from\n%s to\n%s", before, after)
	}
	w.services["enricher-2"].stop(t)
	w.services["collector"].stop(t)
	if r := w.reset(t, "--apply", "--group", topics.GroupScorer); r.code != 1 || !strings.Contains(r.stdout, "group touchline-persons has to be written too") {
		t.Errorf("touchline reset of another group: %+v", r)
	}
	w.goBack(t, []string{"--group", topics.GroupPersons}, "has lost its offset")
	w.goesOn(t, 5)
	w.kill()
}

// Everything in one process: the command starts the broker and ClickHouse of the
// directory by itself, unless somebody else has them.
func TestReset_standalone(t *testing.T) {
	seed, random := chaos(t)
	d := newStandalone(newSite(t, killProjects)).(*standalone)
	d.site.writeRules(t, 1)
	d.args = []string{"--rules.file", d.site.rules()}
	t.Cleanup(d.kill)
	d.start(t)
	p := newPoster(t, d, seed, random)
	p.post(t, 20, 5)
	p.audit(t)
	reset := func(args ...string) result {
		return execute(t, nil, "touchline", append([]string{"reset", "--dir", d.data()}, args...)...)
	}
	if r := reset("--apply"); r.code != 1 || !strings.Contains(r.stderr, "another touchline is running on this directory") {
		t.Errorf("touchline reset of a directory in use: %+v", r)
	}
	d.stop(t)
	if r := reset(); r.code != 0 || !strings.Contains(r.stdout, "nothing is wrong") {
		t.Errorf("touchline reset while all is well: %+v", r)
	}

	if err := os.RemoveAll(filepath.Join(d.data(), "kafka")); err != nil {
		t.Fatal(err)
	}
	d.launch(t)
	await(t, startTime, "touchline up ends", func() error {
		if d.process.running() {
			return errors.New("it runs")
		}
		return nil
	})
	if log := d.process.tail(); d.process.cmd.ProcessState.ExitCode() == 0 || !strings.Contains(log, "see `touchline reset`") {
		t.Errorf("touchline up on a lost broker ended with %d:\n%s", d.process.cmd.ProcessState.ExitCode(), log)
	}
	if r := reset(); r.code != 3 || !strings.Contains(r.stdout, "the broker's data was lost") {
		t.Fatalf("touchline reset: %+v", r)
	}
	if r := reset("--apply"); r.code != 0 {
		t.Fatalf("touchline reset --apply: %+v", r)
	}
	d.start(t)
	p.post(t, 20, 0)
	p.audit(t)
	d.stop(t)
	if r := reset(); r.code != 0 {
		t.Errorf("touchline reset after it: %+v", r)
	}
}
