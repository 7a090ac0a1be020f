package e2e_test

import (
	"context"
	"fmt"
	"maps"
	"math/rand/v2"
	"net/http"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"

	"touchline.dev/schemas/topics"
)

// wayBack is a separate deployment with one process of each kind, whose topics and
// offsets get lost while its services do not run. Clients post in between.
type wayBack struct {
	*separate
	*poster
}

// poster posts batches one after the other.
type poster struct {
	traffic *traffic
	random  *rand.Rand
	client  *http.Client
	posted  []batch
	batches int
}

func newPoster(t *testing.T, d deployment, seed uint64, random *rand.Rand) *poster {
	t.Helper()
	return &poster{
		random: random, client: &http.Client{Timeout: 10 * time.Second},
		traffic: &traffic{t: t, d: d, journal: newJournal(t, d.place()), seed: seed},
	}
}

// startWayBack starts it; what it posts is drawn from the seed.
func startWayBack(t *testing.T, d *separate, seed uint64, random *rand.Rand) *wayBack {
	t.Helper()
	d.site.writeRules(t, 1)
	d.settings["scorer"] = []string{"SCORER_RULES_FILE=" + d.site.rules()}
	t.Cleanup(d.kill)
	d.start(t)
	return &wayBack{d, newPoster(t, d, seed, random)}
}

// post posts new batches, and some that were posted before.
func (p *poster) post(t *testing.T, n, retries int) {
	t.Helper()
	for range n {
		b := p.next()
		p.send(t, b)
		p.posted = append(p.posted, b)
	}
	for range min(retries, len(p.posted)) {
		p.send(t, p.posted[p.random.IntN(len(p.posted))])
	}
}

func (p *poster) next() batch {
	p.batches++
	return newBatch(p.random, fmt.Sprintf("%d-%d", p.traffic.seed, p.batches))
}

func (p *poster) send(t *testing.T, b batch) {
	t.Helper()
	p.traffic.journal.send(b.events)
	await(t, startTime, "a batch is taken", func() error { return p.traffic.post(t.Context(), p.client, b) })
	p.traffic.journal.ack(b.events)
}

// stopServices ends the services cleanly; the broker and ClickHouse stay.
func (w *wayBack) stopServices(t *testing.T) {
	t.Helper()
	for _, name := range w.names {
		w.services[name].stop(t)
	}
}

func (w *wayBack) startServices(t *testing.T) {
	t.Helper()
	for _, name := range w.names {
		w.launchService(t, name)
	}
	for _, name := range w.names {
		w.awaitService(t, name)
	}
}

// crash ends all services with SIGKILL, and returns when the groups have noticed.
func (w *wayBack) crash(t *testing.T) {
	t.Helper()
	for _, name := range w.names {
		w.services[name].kill()
	}
	w.left(t)
}

// left returns when nobody is in any group.
func (w *wayBack) left(t *testing.T) {
	t.Helper()
	adm := w.admin(t)
	await(t, startTime, "the groups are empty", func() error {
		described, err := adm.DescribeGroups(t.Context(), slices.Collect(maps.Keys(groups()))...)
		if err != nil {
			return err
		}
		for _, g := range described {
			if g.State != "Empty" && g.State != "Dead" {
				return fmt.Errorf("%s is %s", g.Group, g.State)
			}
		}
		return nil
	})
}

// reset runs `touchline reset`.
func (w *wayBack) reset(t *testing.T, args ...string) result {
	t.Helper()
	c := w.clickhouse.Writer()
	return execute(t, []string{"TOUCHLINE_RESET_CLICKHOUSE_PASSWORD=" + c.Password}, "touchline", append([]string{"reset",
		"--brokers", w.kafka(), "--clickhouse.url", w.clickhouse.HTTPURL(), "--clickhouse.user", c.User}, args...)...)
}

// goBack shows what is wrong, without changing anything, then mends it. The words
// are those of which the explanation has to have each.
func (w *wayBack) goBack(t *testing.T, args []string, words ...string) {
	t.Helper()
	before := w.commits(t)
	shown := w.reset(t, args...)
	if shown.code != 3 {
		t.Fatalf("touchline reset: %+v", shown)
	}
	for _, want := range words {
		if !strings.Contains(shown.stdout, want) {
			t.Errorf("touchline reset does not say %q:\n%s", want, shown.stdout)
		}
	}
	if after := w.commits(t); after != before {
		t.Errorf("without --apply the commits have changed from\n%s to\n%s", before, after)
	}
	if r := w.reset(t, append(args, "--apply")...); r.code != 0 {
		t.Fatalf("touchline reset --apply: %+v", r)
	}
	if r := w.reset(t); r.code != 0 || !strings.Contains(r.stdout, "nothing is wrong") {
		t.Errorf("touchline reset after it: %+v", r)
	}
}

// goesOn starts the services and posts once more; then every event has its place.
func (w *wayBack) goesOn(t *testing.T, retries int) {
	t.Helper()
	w.startServices(t)
	w.post(t, 10, retries)
	w.audit(t)
	w.stopServices(t)
}

// audit compares the tables with what the clients know, and wants the ledger
// closed.
func (p *poster) audit(t *testing.T) {
	t.Helper()
	p.auditTables(t)
	if l := readLedger(t, p.traffic.d); !l.Closed || l.Pending > 0 {
		finding(t, "the ledger is not closed: %+v\n%s", l.Projects, l.Open)
	}
}

// auditTables leaves the ledger out. The dense log is not looked at: it may be
// another one than the rows came by.
func (p *poster) auditTables(t *testing.T) {
	t.Helper()
	w := p.traffic.d
	drain(t, w, time.Minute)
	stored := auditRows(t, w, p.traffic.journal)
	auditRejected(t, w, p.traffic.journal)
	for _, sql := range []string{
		"SELECT uniqExact(src_topic, src_partition, src_offset) FROM touchline.touchpoints",
		"SELECT sum(events) FROM touchline.landed",
		"SELECT sum(events) FROM touchline.metric_days",
		"SELECT sum(events) FROM touchline.person_days WHERE event = ''",
	} {
		if n := mustCount(t, w.writer(), sql); n != stored {
			finding(t, "%s = %d, want %d", sql, n, stored)
		}
	}
	auditProfiles(t, w)
}

// admin is a client of the broker that knows nothing of what was deleted.
func (w *wayBack) admin(t *testing.T) *kadm.Client {
	t.Helper()
	cl, err := kgo.NewClient(kgo.SeedBrokers(strings.Split(w.kafka(), ",")...))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(cl.Close)
	return kadm.NewClient(cl)
}

// groups of Touchline, and what they read.
func groups() map[string]string {
	return map[string]string{
		topics.GroupEnricher: topics.Raw, topics.GroupTouchpoints: topics.Enriched, topics.GroupScorer: topics.Enriched,
		topics.GroupPersons: topics.Persons, topics.GroupScores: topics.Scores,
	}
}

// commits returns all that is committed, and the ids of the topics, as text.
func (w *wayBack) commits(t *testing.T) string {
	t.Helper()
	adm := w.admin(t)
	var lines []string
	for group := range groups() {
		for _, o := range w.committed(t, adm, group) {
			lines = append(lines, fmt.Sprintf("%s %s %d: %d %s", group, o.Topic, o.Partition, o.At, o.Metadata))
		}
	}
	details, err := adm.ListTopics(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for _, d := range details {
		lines = append(lines, fmt.Sprintf("%s %v", d.Topic, d.ID))
	}
	slices.Sort(lines)
	return strings.Join(lines, "\n")
}

func (w *wayBack) committed(t *testing.T, adm *kadm.Client, group string) []kadm.Offset {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	responses, err := adm.FetchOffsets(ctx, group)
	if err != nil && !strings.Contains(err.Error(), "GROUP_ID_NOT_FOUND") {
		t.Fatal(err)
	}
	var offsets []kadm.Offset
	responses.Each(func(o kadm.OffsetResponse) {
		if o.At >= 0 {
			offsets = append(offsets, o.Offset)
		}
	})
	return offsets
}

// recreate deletes topics and creates them anew. Brokers may take their time.
func (w *wayBack) recreate(t *testing.T, names ...string) {
	t.Helper()
	adm := w.admin(t)
	before, err := adm.ListTopics(t.Context(), names...)
	if err != nil {
		t.Fatal(err)
	}
	deleted, err := adm.DeleteTopics(t.Context(), names...)
	if err == nil {
		err = deleted.Error()
	}
	if err != nil {
		t.Fatal(err)
	}
	await(t, startTime, "the topics are gone", func() error {
		now, err := adm.ListTopics(t.Context(), names...)
		for _, name := range names {
			if err == nil && now.Has(name) && now[name].ID == before[name].ID {
				err = fmt.Errorf("%s is there", name)
			}
		}
		return err
	})
	w.applyTopics(t)
}

func (w *wayBack) applyTopics(t *testing.T) {
	t.Helper()
	r := execute(t, nil, "touchline", "topics", "apply", "--brokers", w.kafka(), "--partitions", "4", "--replicas", fmt.Sprint(w.brokers.replicas()))
	if r.code != 0 {
		t.Fatalf("topics apply: %+v", r)
	}
}

// forget deletes groups with all that they have committed.
func (w *wayBack) forget(t *testing.T, names ...string) {
	t.Helper()
	deleted, err := w.admin(t).DeleteGroups(t.Context(), names...)
	if err == nil {
		err = deleted.Error()
	}
	if err != nil {
		t.Fatal(err)
	}
}

// withoutClickHouse does something while ClickHouse does not answer, until all of
// it stands in the dense log; then the services and ClickHouse are killed.
func (w *wayBack) withoutClickHouse(t *testing.T, do func()) {
	t.Helper()
	w.signalClickHouse(t, syscall.SIGSTOP)
	do()
	w.enriched(t)
	w.crash(t)
	// Killed, it cannot take what waits in its sockets.
	w.signalClickHouse(t, syscall.SIGKILL)
	await(t, startTime, "ClickHouse answers again", func() error {
		_, err := w.writer().query("SELECT 1", nil)
		return err
	})
}

// enriched waits until everything in raw was processed.
func (w *wayBack) enriched(t *testing.T) {
	t.Helper()
	await(t, startTime, "raw is processed", func() error {
		all, err := lags(t, w)
		if err != nil {
			return err
		}
		for _, l := range all {
			if l.Group == topics.GroupEnricher && l.Records > 0 {
				return fmt.Errorf("%+v", l)
			}
		}
		return nil
	})
}

// expire deletes all records of a topic, as retention does.
func (w *wayBack) expire(t *testing.T, topic string) {
	t.Helper()
	adm := w.admin(t)
	ends, err := adm.ListEndOffsets(t.Context(), topic)
	if err != nil {
		t.Fatal(err)
	}
	before := kadm.Offsets{}
	ends.Each(func(o kadm.ListedOffset) { before.AddOffset(o.Topic, o.Partition, o.Offset, -1) })
	if _, err := adm.DeleteRecords(t.Context(), before); err != nil {
		t.Fatal(err)
	}
}
