package main

import (
	_ "embed"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"
)

//go:embed queries.sql
var queriesSQL string

// query is a question of the list.
type query struct {
	name string
	// limit is for 100 million events; 0 is none.
	limit time.Duration
	// beside names the query whose processor time this one is compared with, and
	// times says how often it may take that; empty is none.
	beside string
	times  float64
	sql    string
}

var errList = errors.New("want -- query | name | limit in ms, -- beside | name of an earlier one | times, and a statement")

// parseQueries reads the list. What stands before the first query is for readers.
func parseQueries(text string) ([]query, error) {
	var list []query
	for number, line := range strings.Split(text, "\n") {
		fields := strings.Split(strings.TrimPrefix(line, "--"), " | ")
		keyword := strings.TrimSpace(fields[0])
		var ok bool
		switch {
		case strings.HasPrefix(line, "--") && keyword == "query" && len(fields) == 3:
			var q query
			q.name = fields[1]
			q.limit, ok = parseLimit(fields[2])
			list = append(list, q)
		case strings.HasPrefix(line, "--") && keyword == "beside" && len(fields) == 3 && len(list) > 0:
			q := &list[len(list)-1]
			q.beside = fields[1]
			times, err := strconv.ParseFloat(fields[2], 64)
			q.times, ok = times, err == nil && find(list[:len(list)-1], q.beside) != nil
		case strings.HasPrefix(line, "--") || line == "":
			ok = len(fields) == 1 || len(list) == 0
		case len(list) > 0:
			list[len(list)-1].sql += line + "\n"
			ok = true
		}
		if !ok {
			return nil, fmt.Errorf("read line %d of the queries: %w", number+1, errList)
		}
	}
	for _, q := range list {
		if q.sql == "" || find(list, q.name).sql != q.sql {
			return nil, fmt.Errorf("read query %q: it has no statement, or its name is there twice", q.name)
		}
	}
	return list, nil
}

func parseLimit(text string) (time.Duration, bool) {
	if text == "-" {
		return 0, true
	}
	ms, err := strconv.ParseUint(text, 10, 31)
	return time.Duration(ms) * time.Millisecond, err == nil && ms > 0
}

// find returns the first query of that name, or nil.
func find(list []query, name string) *query {
	for i := range list {
		if list[i].name == name {
			return &list[i]
		}
	}
	return nil
}
