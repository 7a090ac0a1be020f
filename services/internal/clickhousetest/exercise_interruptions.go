package clickhousetest

import (
	"context"
	"fmt"
	"math/rand/v2"
	"time"

	"touchline.dev/services/internal/clickhouse"
)

// interruptions are inserts that end in the middle.
func interruptions() []condition {
	return []condition{
		{name: "an insert that the client gives up is completed", prove: cutOff,
			why: "the server may still be at it when the chunk is sent again"},
		{name: "an insert that a kill -9 of the server ends is completed", prove: killed, kills: true,
			why: "a crash may come between two parts, between table and view, and between two views"},
	}
}

// interrupt inserts the block under the token, stops that after a random part of the
// time that an insert takes, and repeats it until it succeeds. It returns what
// the tables held after the first attempt, and how that ended.
func (x *exercise) interrupt(r *rand.Rand, took time.Duration, token string, b clickhouse.Block, stop func(cancel func())) (state string, err error) {
	ctx, cancel := context.WithCancel(x.Context())
	defer cancel()
	first := make(chan error, 1)
	go func() { first <- x.inserter.Insert(ctx, token, b) }()
	time.Sleep(time.Duration(r.Int64N(int64(took) + 1)))
	stop(cancel)
	err = <-first
	x.until("answer after an interruption", func() bool {
		return x.conn.QueryRow(x.Context(), digest).Scan(&state) == nil
	})
	x.until("insert after an interruption", func() bool {
		return x.inserter.Insert(x.Context(), token, b) == nil
	})
	return state, err
}

// interruptMany interrupts inserts until some were stopped half-way, and compares
// after each.
func (x *exercise) interruptMany(stop func(cancel func())) {
	const size, months, enough, most = 20_000, 9, 3, 60
	seed := rand.Uint64()
	x.Logf("seed %d", seed)
	r := rand.New(rand.NewPCG(seed, 0))
	x.numbers()
	began := time.Now()
	x.insert("first", span(1, size, months))
	took := time.Since(began)
	interrupted, half, rounds := 0, 0, 0
	for ; half < enough && rounds < most && !x.Failed(); rounds++ {
		lo := 1 + (rounds+1)*size
		before, after := stateOf(lo-1, 1), stateOf(lo+size-1, 1)
		state, err := x.interrupt(r, took, fmt.Sprint("round ", rounds), span(lo, lo+size-1, months), stop)
		if err != nil {
			interrupted++
		}
		if state != before && state != after {
			half++
		}
		x.wantState(after)
	}
	x.Logf("of %d inserts %d were interrupted and %d half-written; one takes %v", rounds, interrupted, half, took.Round(time.Millisecond))
	if half < enough {
		x.Errorf("only %d of %d inserts were half-written", half, rounds)
	}
}

func cutOff(x *exercise) {
	x.interruptMany(func(cancel func()) { cancel() })
	// What the server was still at has ended, too.
	x.until("end of all inserts", func() bool {
		return x.value("SELECT count() FROM system.processes WHERE query LIKE 'INSERT INTO exercise.%'") == "0"
	})
	x.want("SELECT count() - uniqExact(n) FROM exercise.numbers", 0)
	x.want("SELECT count() - uniqExact(n) FROM exercise.copies", 0)
}

func killed(x *exercise) {
	x.interruptMany(func(func()) {
		if err := x.server.Embedded.Kill(); err != nil {
			x.Error(err)
		}
	})
}
