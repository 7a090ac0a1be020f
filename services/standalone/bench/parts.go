package main

import (
	"errors"
	"fmt"
	"slices"
	"strings"
)

// part is a part of the run that can be asked for by itself.
type part string

const (
	partCollector   part = "collector"
	partConnections part = "connections"
	partEnricher    part = "enricher"
	partLanding     part = "landing"
	partColumns     part = "columns"
	partGrowth      part = "growth"
	partFreshness   part = "freshness"
)

// parts are in the order in which they run.
var allParts = []part{partCollector, partConnections, partEnricher, partLanding, partColumns, partGrowth, partFreshness}

type parts []part

var errPart = errors.New("is no part of the run")

// parseParts reads a list with commas; the empty one means everything.
func parseParts(text string) (parts, error) {
	if text == "" {
		return allParts, nil
	}
	var of parts
	for name := range strings.SplitSeq(text, ",") {
		p := part(strings.TrimSpace(name))
		if !slices.Contains(allParts, p) {
			return nil, fmt.Errorf("%q %w", name, errPart)
		}
		of = append(of, p)
	}
	return of, nil
}

func (ps parts) has(any ...part) bool {
	return slices.ContainsFunc(any, func(p part) bool { return slices.Contains(ps, p) })
}

// A round goes as far as the last of its parts that is wanted.
func (ps parts) rounds() bool   { return ps.has(allParts[:len(allParts)-1]...) }
func (ps parts) enriches() bool { return ps.lands() || ps.has(partEnricher) }
func (ps parts) lands() bool    { return ps.has(partLanding, partColumns, partGrowth) }

func names(of []part) string {
	var s []string
	for _, p := range of {
		s = append(s, string(p))
	}
	return strings.Join(s, ",")
}
