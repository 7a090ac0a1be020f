package query

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	schema "touchline.dev/schemas/clickhouse"
	"touchline.dev/services/internal/clickhouse"
)

// Statement returns the SELECT that asks the view with the parameters given. A
// parameter that is not given has the value of its example, except for the project
// (every one that the user may read), names of events (any event), and those without
// which there is no question: then the error names the flag. limit is the most rows,
// 0 for all.
func Statement(o schema.Object, given Given, limit int) (string, error) {
	var problems []error
	var lines []string
	for _, p := range o.Params {
		sql, err := argument(p, given[p.Name])
		if err != nil {
			problems = append(problems, fmt.Errorf("--%s: %w", flagOf(p.Name), err))
		}
		lines = append(lines, "    "+p.Name+" = "+sql)
	}
	if len(problems) > 0 {
		return "", errors.Join(problems...)
	}
	sql := "SELECT *\nFROM " + o.FullName()
	if len(lines) > 0 {
		sql += "(\n" + strings.Join(lines, ",\n") + ")"
	}
	if limit > 0 {
		sql += fmt.Sprintf("\nLIMIT %d", limit)
	}
	return sql, nil
}

// Plain returns the SELECT of a view that takes no parameters.
func Plain(name string, limit int) string {
	sql, _ := Statement(schema.Object{Name: name}, nil, limit) // only parameters can be wrong
	return sql
}

func argument(p schema.Param, texts []string) (string, error) {
	if len(texts) > 0 {
		return value(p, texts)
	}
	if required(p) {
		return "", fmt.Errorf("is needed: %s, for instance %s", p.Description, p.Example)
	}
	return fallback(p), nil
}

// required reports that there is no question without the parameter: which steps, which
// person.
func required(p schema.Param) bool {
	return slices.Contains([]string{"steps", "person_id", "person", "property"}, p.Name)
}

// fallback returns the SQL of a parameter that is not given.
func fallback(p schema.Param) string {
	switch {
	case p.Name == "project":
		return clickhouse.Literal("*")
	case p.Type == "String" && (p.Name == "event" || strings.HasSuffix(p.Name, "_event")):
		return clickhouse.Literal("")
	default:
		return p.Example
	}
}
