package scorer_test

import (
	"bytes"
	"errors"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/ClickHouse/clickhouse-go/v2/lib/driver"
	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"

	"touchline.dev/schemas/event"
	pb "touchline.dev/schemas/touchlinepb"
	"touchline.dev/services/internal/clickhouse"
	"touchline.dev/services/internal/clickhousetest"
	"touchline.dev/services/internal/kafkatest"
	"touchline.dev/services/scorer/internal/fragment"
	"touchline.dev/services/scorer/internal/profile"
	"touchline.dev/services/scorer/internal/rules"
	"touchline.dev/services/scorer/internal/scorertest"
)

// harness is a broker and a migrated ClickHouse, with scorers as processes.
type harness struct {
	*kafkatest.Cluster
	t      *testing.T
	server *clickhousetest.Server
	conn   driver.Conn
	client *kgo.Client
}

func newHarness(t *testing.T) *harness {
	t.Helper()
	h := &harness{Cluster: kafkatest.Start(t), t: t, server: clickhousetest.Start(t)}
	h.client, h.conn = h.Client(t), h.server.Open(t, h.server.Writer)
	for _, database := range []string{"analytics", "touchline"} {
		if err := h.conn.Exec(t.Context(), "DROP DATABASE IF EXISTS "+database+" SYNC"); err != nil {
			t.Fatal(err)
		}
	}
	account := clickhouse.Account{User: h.server.Writer.User, Password: h.server.Writer.Password}
	if _, err := clickhouse.Migrate(t.Context(), h.conn, account); err != nil {
		t.Fatal(err)
	}
	return h
}

// process is one running scorer.
type process struct {
	t    *testing.T
	cmd  *exec.Cmd
	logs *bytes.Buffer
	done chan error
	once sync.Once
}

func instanceID(instance int) string { return "scorer-" + strconv.Itoa(instance) }

// start starts a scorer as a process of its own, a static member of its groups.
func (h *harness) start(instance int) *process {
	h.t.Helper()
	p := &process{t: h.t, logs: &bytes.Buffer{}, done: make(chan error, 1)}
	p.cmd = exec.CommandContext(h.t.Context(), os.Args[0],
		"--kafka.brokers", strings.Join(h.Kafka.Brokers, ","),
		"--membership.instance-id", instanceID(instance),
		"--membership.session-timeout", "6s", "--membership.heartbeat-interval", "500ms",
		"--clickhouse.url", h.server.URL, "--clickhouse.user", h.server.Writer.User,
		"--snapshots.publish-age", "20ms", "--snapshots.max-fragments", "40", "--landing.flush-age", "30ms",
	)
	p.cmd.Env = []string{childEnv + "=1", "SCORER_CLICKHOUSE_PASSWORD=" + h.server.Writer.Password}
	p.cmd.Stderr = p.logs
	if err := p.cmd.Start(); err != nil {
		h.t.Fatal(err)
	}
	go func() { p.done <- p.cmd.Wait() }()
	h.t.Cleanup(func() { p.end(syscall.SIGKILL) })
	return p
}

// end sends the signal and waits for the end.
func (p *process) end(signal syscall.Signal) {
	p.t.Helper()
	p.once.Do(func() {
		p.signal(signal)
		select {
		case err := <-p.done:
			// -1: it was too young to know the signal.
			if code := p.cmd.ProcessState.ExitCode(); signal == syscall.SIGTERM && code > 0 {
				p.t.Errorf("the scorer ended with code %d: %v\n%s", code, err, p.logs)
			}
		case <-time.After(20 * time.Second):
			p.t.Errorf("the scorer did not end on %v\n%s", signal, p.logs)
		}
	})
}

func (p *process) signal(s syscall.Signal) {
	p.t.Helper()
	if err := p.cmd.Process.Signal(s); err != nil && !errors.Is(err, os.ErrProcessDone) {
		p.t.Error(err)
	}
}

// end returns the sum of a topic's end offsets.
func (h *harness) end(topic string) (sum int64) {
	h.t.Helper()
	ends, err := kadm.NewClient(h.client).ListEndOffsets(h.t.Context(), topic)
	if err != nil {
		h.t.Fatal(err)
	}
	ends.Each(func(o kadm.ListedOffset) { sum += o.Offset })
	return sum
}

// person names a person of the tests.
type person struct {
	project string
	id      uint64
}

// facts is what the test itself adds up about a person.
type facts struct {
	events, orders uint64
	revenue        int64
	first, last    int64
	user, email    string
	emailAt        int64
	fragments      map[string]*pb.Fragment
}

// oracle reads the dense log and adds it up, without any of the machinery.
func (h *harness) oracle(folder *fragment.Folder) map[person]*facts {
	h.t.Helper()
	people := map[person]*facts{}
	for partition := range int32(4) {
		for _, e := range scorertest.Log(h.t, h.Cluster, partition) {
			t := &e.Touchpoint
			if e.Outcome != event.Stored || t.IsBot {
				continue
			}
			who := person{e.Project, t.PersonID}
			f := people[who]
			if f == nil {
				f = &facts{first: t.EventTime, last: t.EventTime, fragments: map[string]*pb.Fragment{}}
				people[who] = f
			}
			f.events++
			f.first, f.last = min(f.first, t.EventTime), max(f.last, t.EventTime)
			f.user = t.UserID
			if t.Event == "Order Completed" {
				f.orders++
				f.revenue += t.RevenueE4
			}
			if _, rest, ok := strings.Cut(string(t.Traits), `"email":"`); ok {
				if email, _, _ := strings.Cut(rest, `"`); t.EventTime > f.emailAt || t.EventTime == f.emailAt && email > f.email {
					f.email, f.emailAt = email, t.EventTime
				}
			}
			if f.fragments[e.Key] == nil {
				f.fragments[e.Key] = fragment.Empty(e.Project, t.PersonID, e.Key)
			}
			folder.Apply(f.fragments[e.Key], t, e.Src)
		}
	}
	return people
}

// row is a row of touchline.profiles with the score of the same version.
type row struct {
	profile pb.Profile
	score   pb.Score
}

// rows reads profiles and scores as they stand. Two reads are not one moment, so
// a person whose versions differ is left out, and read again next time.
func (h *harness) rows() map[person]*row {
	h.t.Helper()
	out := map[person]*row{}
	rows, err := h.conn.Query(h.t.Context(), `SELECT p.project, p.person_id, p.version, toUnixTimestamp64Milli(p.as_of), p.user_id, p.email, p.name, p.company, p.role, p.country,
			p.stage, toUnixTimestamp64Milli(p.stage_since), p.first_channel, p.first_campaign, toUnixTimestamp64Milli(p.first_seen), toUnixTimestamp64Milli(p.last_seen),
			p.events, p.orders, toInt64(p.revenue * 10000), p.currency,
			s.model, s.model_version, s.score, s.grade, s.reason_features, s.reason_contributions
		FROM touchline.profiles AS p FINAL INNER JOIN (SELECT * FROM touchline.scores FINAL) AS s ON s.project = p.project AND s.person_id = p.person_id
		WHERE s.version = p.version AND s.as_of = p.as_of`)
	if err != nil {
		h.t.Fatal(err)
	}
	for rows.Next() {
		var r row
		p, s := &r.profile, &r.score
		var features []string
		var contributions []float64
		err := rows.Scan(&p.Project, &p.PersonId, &p.Version, &p.AsOfMs, &p.UserId, &p.Email, &p.Name, &p.Company, &p.Role, &p.Country,
			&p.Stage, &p.StageSinceMs, &p.FirstChannel, &p.FirstCampaign, &p.FirstSeenMs, &p.LastSeenMs,
			&p.Events, &p.Orders, &p.RevenueE4, &p.Currency,
			&s.Model, &s.ModelVersion, &s.Score, &s.Grade, &features, &contributions)
		if err != nil {
			h.t.Fatal(err)
		}
		for i := range features {
			s.Reasons = append(s.Reasons, &pb.Reason{Feature: features[i], Contribution: contributions[i]})
		}
		out[person{p.Project, p.PersonId}] = &r
	}
	if err := errors.Join(rows.Err(), rows.Close()); err != nil {
		h.t.Fatal(err)
	}
	return out
}

// makers returns the folder and the maker of the rules that come with the
// release.
func makers(t *testing.T) (*fragment.Folder, *profile.Maker) {
	t.Helper()
	r, err := rules.Load("")
	if err != nil {
		t.Fatal(err)
	}
	folder := fragment.New(r.Watch())
	return folder, profile.New(r, folder)
}

// lag returns how many records a group has not committed.
func (h *harness) lag(group string) int64 {
	h.t.Helper()
	lags, err := kadm.NewClient(h.client).Lag(h.t.Context(), group)
	if err != nil {
		h.t.Fatal(err)
	}
	described := lags[group]
	if err := described.Error(); err != nil {
		h.t.Fatal(err)
	}
	return described.Lag.Total()
}
