package query

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/ClickHouse/clickhouse-go/v2/lib/driver"

	schema "touchline.dev/schemas/clickhouse"
	"touchline.dev/services/internal/clickhouse"
)

// Flagged returns an error of the server about a parameter of the view with the name of
// its flag.
func Flagged(err error, o schema.Object) error {
	problem, ok := errors.AsType[*Problem](err)
	if !ok {
		return err
	}
	name, text, ok := strings.Cut(problem.Text, ": ")
	if !ok || !takes(o, name) {
		return err
	}
	if strings.HasSuffix(name, secondsSuffix) {
		text += " seconds"
	}
	return &Problem{"--" + flagOf(name) + ": " + text, problem.err}
}

// Nobody reports that an answer counts no person at all, or that nobody got to some step
// of a funnel.
func (r Result) Nobody() bool {
	persons, step := r.index("persons"), r.index("step")
	if persons < 0 {
		return len(r.Rows) == 0
	}
	somebody := map[any]bool{nil: false}
	for _, row := range r.Rows {
		key := any(nil)
		if step >= 0 {
			key = row[step]
		}
		somebody[key] = somebody[key] || row[persons] != int64(0)
	}
	for key, found := range somebody {
		if !found && (key != nil || step < 0 || len(r.Rows) == 0) {
			return true
		}
	}
	return false
}

// Unknown returns the names of events among the parameters of the view that no event of
// the projects asked for has, in their order. It reads the names of all events.
func Unknown(ctx context.Context, conn driver.Conn, o schema.Object, given Given) ([]string, error) {
	var names, literals []string
	for _, p := range o.Params {
		if !eventful(p.Name) || given["match"] != nil {
			continue
		}
		for _, text := range given[p.Name] {
			parts := []string{text}
			if strings.HasPrefix(p.Type, "Array(") {
				parts = splitList(text)
			}
			for _, name := range parts {
				if name != "" && !slices.Contains(names, name) {
					names, literals = append(names, name), append(literals, clickhouse.Literal(name))
				}
			}
		}
	}
	if len(names) == 0 {
		return nil, nil
	}
	where := "event IN (" + strings.Join(literals, ", ") + ")"
	if project := given["project"]; len(project) == 1 && project[0] != "*" {
		where += " AND project = " + clickhouse.Literal(project[0])
	}
	result, err := Ask(ctx, conn, "SELECT DISTINCT event FROM analytics.touchpoints WHERE "+where)
	if err != nil {
		return nil, fmt.Errorf("look for names of events: %w", err)
	}
	return slices.DeleteFunc(names, func(name string) bool {
		return slices.ContainsFunc(result.Rows, func(row []any) bool { return row[0] == name })
	}), nil
}

// eventful reports that a parameter of that name names events.
func eventful(param string) bool {
	return slices.Contains([]string{"steps", "exclude", "event", "activation", "sign_up", "first_use", "only"}, param) || strings.HasSuffix(param, "_event")
}
