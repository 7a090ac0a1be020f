package e2e_test

import (
	"bufio"
	"fmt"
	"maps"
	"os"
	"sync"
	"testing"
	"time"
)

// fate is what has to become of an event.
type fate int

const (
	// once: it has a message id, so however often it is sent, it is one row.
	once fate = iota
	// eachTime: it has no message id, so each receipt of it is a row.
	eachTime
	// refused: it cannot be used, so each receipt of it is a row of rejected.
	refused
)

// sent is an event that clients send, possibly several times.
type sent struct {
	id      string
	project string
	fate    fate
	// properties are as they have to come out again.
	properties string
}

// noted is what the journal knows of an event: how often it was posted, and how
// often a success was read.
type noted struct {
	sent
	posts, acks int
}

// journal is what clients know of their own events, kept apart from everything
// that Touchline keeps. Its methods may be called concurrently.
type journal struct {
	mu     sync.Mutex // guards the following
	events map[string]*noted
	file   *os.File
	out    *bufio.Writer
	// acked is the number of posts with a success, failed of those without, and
	// repeated of those that were not the first of their events.
	acked, failed, repeated int
	lastAck                 time.Time
	longestGap              time.Duration
}

// newJournal keeps a copy in a file of the site, for who looks into a failure.
func newJournal(t *testing.T, s *site) *journal {
	t.Helper()
	file, err := os.Create(s.path("journal.txt"))
	if err != nil {
		t.Fatal(err)
	}
	j := &journal{events: map[string]*noted{}, file: file, out: bufio.NewWriter(file)}
	t.Cleanup(func() {
		if err := j.out.Flush(); err != nil {
			t.Error(err)
		}
		file.Close()
	})
	return j
}

// send notes events before they are posted.
func (j *journal) send(events []sent) {
	j.mu.Lock()
	defer j.mu.Unlock()
	for _, e := range events {
		n := j.events[e.id]
		if n == nil {
			n = &noted{sent: e}
			j.events[e.id] = n
		}
		n.posts++
		fmt.Fprintln(j.out, time.Now().Format("15:04:05.000"), "sent", e.id)
	}
	if j.events[events[0].id].posts > 1 {
		j.repeated++
	}
}

// ack notes events whose success has been read.
func (j *journal) ack(events []sent) {
	j.mu.Lock()
	defer j.mu.Unlock()
	now := time.Now()
	for _, e := range events {
		j.events[e.id].acks++
		fmt.Fprintln(j.out, now.Format("15:04:05.000"), "acked", e.id)
	}
	if !j.lastAck.IsZero() {
		j.longestGap = max(j.longestGap, now.Sub(j.lastAck))
	}
	j.acked++
	j.lastAck = now
}

// fail notes a post without an answer, or with one that asks to come again.
func (j *journal) fail(events []sent, err error) {
	j.mu.Lock()
	defer j.mu.Unlock()
	j.failed++
	fmt.Fprintln(j.out, time.Now().Format("15:04:05.000"), "failed", events[0].id, len(events), err)
}

// ackedPosts is the number of posts with a success.
func (j *journal) ackedPosts() int {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.acked
}

// all returns a copy of what is known, by id.
func (j *journal) all() map[string]*noted {
	j.mu.Lock()
	defer j.mu.Unlock()
	return maps.Clone(j.events)
}

// sums adds up how often the events of a project were posted and acknowledged.
func (j *journal) sums(project string) (posts, acks int) {
	for _, n := range j.all() {
		if n.project == project {
			posts, acks = posts+n.posts, acks+n.acks
		}
	}
	return posts, acks
}

// String tells in a line how the clients fared.
func (j *journal) String() string {
	j.mu.Lock()
	defer j.mu.Unlock()
	acked := 0
	for _, n := range j.events {
		if n.acks > 0 {
			acked++
		}
	}
	return fmt.Sprintf("%d events sent, %d acknowledged; %d posts acknowledged, %d failed, %d were retries; longest gap between acknowledgements %s",
		len(j.events), acked, j.acked, j.failed, j.repeated, j.longestGap.Round(10*time.Millisecond))
}
