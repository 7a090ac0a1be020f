package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"regexp"
	"slices"
	"strings"
	"time"
)

// cost is what a query took, each figure the median of its repetitions.
type cost struct {
	took, cpu           time.Duration
	rows, bytes, memory int64
}

// measureQueries asks the questions whose name matches and prints a table. It goes on
// after one that fails and returns the errors at the end.
func measureQueries(ctx context.Context, h *host, only *regexp.Regexp, repeat int, out io.Writer, say func(string, ...any)) error {
	list, err := h.questions(ctx)
	if err != nil {
		return err
	}
	what, err := h.describe(ctx)
	if err != nil {
		return err
	}
	fmt.Fprintf(out, "%s\n\n| query, median of %d, warm | ms | CPU s | rows read | MB read | memory, MB | aim at 100 million events |\n|---|--:|--:|--:|--:|--:|--:|\n", what, repeat)
	costs := map[string]cost{}
	var problems []error
	for _, q := range list {
		if !only.MatchString(q.name) {
			continue
		}
		c, err := measure(ctx, h, q.sql, repeat)
		if err != nil {
			problems = append(problems, fmt.Errorf("ask %q: %w", q.name, err))
			say("%q: %v", q.name, err)
			continue
		}
		costs[q.name] = c
		if _, err := io.WriteString(out, line(q, c, costs)); err != nil {
			return fmt.Errorf("write table: %w", err)
		}
	}
	return errors.Join(problems...)
}

// questions are those of the list, about a person and a user of the data set.
func (h *host) questions(ctx context.Context) ([]query, error) {
	list, err := parseQueries(queriesSQL)
	if err != nil {
		return nil, err
	}
	person, err := h.writer.ask(ctx, `SELECT leftPad(hex(person_id), 16, '0') FROM touchline.person_days WHERE project = 'shop' AND event = ''
		GROUP BY person_id HAVING sum(events) BETWEEN 40 AND 60 ORDER BY person_id LIMIT 1`, nil)
	if err != nil {
		return nil, fmt.Errorf("look for a person: %w", err)
	}
	user, err := h.writer.ask(ctx, "SELECT max(user_id) FROM touchline.touchpoints WHERE project = 'shop'", nil)
	if err != nil {
		return nil, fmt.Errorf("look for a user: %w", err)
	}
	names := strings.NewReplacer("${person}", strings.TrimSpace(person.text), "${user}", strings.TrimSpace(user.text))
	for i := range list {
		list[i].sql = names.Replace(list[i].sql)
	}
	return list, nil
}

// describe says in a line what there is.
func (h *host) describe(ctx context.Context) (string, error) {
	a, err := h.writer.ask(ctx, `SELECT concat(toString(count()), ' events of ', toString(uniqExact(person_id)), ' persons. Tables: ',
			(SELECT arrayStringConcat(groupArray(line), ', ') FROM (
				SELECT concat(table, ' ', formatReadableSize(sum(bytes_on_disk)), ' in ', toString(count()), ' parts') AS line
				FROM system.parts WHERE active AND database = 'touchline' GROUP BY table HAVING sum(rows) > 10000 ORDER BY sum(bytes_on_disk) DESC)))
		FROM touchline.touchpoints`, nil)
	if err != nil {
		return "", fmt.Errorf("look what there is: %w", err)
	}
	return strings.TrimSpace(a.text), nil
}

// measure asks once for warmth and then for the figures.
func measure(ctx context.Context, h *host, sql string, repeat int) (cost, error) {
	var answers []answer
	var cpu []time.Duration
	for i := range repeat + 1 {
		before, err := h.writer.used(ctx, h.bi.user.User)
		if err != nil {
			return cost{}, err
		}
		a, err := h.bi.ask(ctx, sql, nil)
		if err != nil {
			return cost{}, err
		}
		after, err := h.writer.used(ctx, h.bi.user.User)
		if err != nil {
			return cost{}, err
		}
		if i > 0 {
			answers, cpu = append(answers, a), append(cpu, after-before)
		}
	}
	return cost{
		took:   median(answers, func(a answer) time.Duration { return a.took }),
		cpu:    median(cpu, func(d time.Duration) time.Duration { return d }),
		rows:   median(answers, func(a answer) int64 { return a.rows }),
		bytes:  median(answers, func(a answer) int64 { return a.bytes }),
		memory: median(answers, func(a answer) int64 { return a.memory }),
	}, nil
}

// median returns the middle value, the higher one of two.
func median[T any, N int64 | float64 | time.Duration](of []T, value func(T) N) N {
	values := make([]N, len(of))
	for i, x := range of {
		values[i] = value(x)
	}
	slices.Sort(values)
	return values[len(values)/2]
}

// line is a row of the table.
func line(q query, c cost, costs map[string]cost) string {
	var aims []string
	if q.limit > 0 {
		aims = append(aims, fmt.Sprintf("≤ %d ms", q.limit.Milliseconds()))
	}
	if other, ok := costs[q.beside]; ok {
		aims = append(aims, fmt.Sprintf("%.2f times, ≤ %g", float64(c.cpu)/float64(other.cpu), q.times))
	}
	if len(aims) == 0 {
		aims = []string{"–"}
	}
	return fmt.Sprintf("| %s | %d | %.2f | %d | %d | %d | %s |\n", q.name, c.took.Milliseconds(), c.cpu.Seconds(), c.rows,
		c.bytes>>20, c.memory>>20, strings.Join(aims, "; "))
}
