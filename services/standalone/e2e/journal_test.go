package e2e_test

import (
	"bufio"
	"fmt"
	"maps"
	"os"
	"sync"
	"testing"
)

// journal is what clients know of their own events, kept apart from everything
// that Touchline keeps: which ids were ever sent, and for which they have a
// success. Its methods may be called concurrently.
type journal struct {
	mu          sync.Mutex // guards the following
	sent, acked map[string]bool
	file        *os.File
	out         *bufio.Writer
	failed      int
}

// newJournal keeps a copy in a file of the site, for who looks into a failure.
func newJournal(t *testing.T, s *site) *journal {
	t.Helper()
	file, err := os.Create(s.path("journal.txt"))
	if err != nil {
		t.Fatal(err)
	}
	j := &journal{sent: map[string]bool{}, acked: map[string]bool{}, file: file, out: bufio.NewWriter(file)}
	t.Cleanup(func() {
		if err := j.out.Flush(); err != nil {
			t.Error(err)
		}
		file.Close()
	})
	return j
}

// send notes ids before they are posted.
func (j *journal) send(ids []string) { j.note(j.sent, "sent", ids) }

// ack notes ids whose success has been read.
func (j *journal) ack(ids []string) { j.note(j.acked, "acked", ids) }

// fail notes a post without an answer, or with one that asks to come again.
func (j *journal) fail(ids []string, err error) {
	j.mu.Lock()
	defer j.mu.Unlock()
	j.failed++
	fmt.Fprintln(j.out, "failed", ids[0], len(ids), err)
}

func (j *journal) note(set map[string]bool, what string, ids []string) {
	j.mu.Lock()
	defer j.mu.Unlock()
	for _, id := range ids {
		set[id] = true
		fmt.Fprintln(j.out, what, id)
	}
}

func (j *journal) ackedCount() int {
	j.mu.Lock()
	defer j.mu.Unlock()
	return len(j.acked)
}

// sets returns copies of both sets and the number of posts that failed.
func (j *journal) sets() (sent, acked map[string]bool, failed int) {
	j.mu.Lock()
	defer j.mu.Unlock()
	return maps.Clone(j.sent), maps.Clone(j.acked), j.failed
}
