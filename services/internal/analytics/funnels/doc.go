// Package funnels holds the tests of the funnel views: funnel, funnel_exact,
// funnel_breakdown, funnel_trend, funnel_actors, drop_off, drop_off_next,
// drop_off_next_page, abandoned and the plain views beside them equal the reference
// on vectors (testdata, written by hand) and on random streams, keep their sums, and
// refuse what they cannot answer.
package funnels
