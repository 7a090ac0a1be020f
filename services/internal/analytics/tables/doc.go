// Package tables has no code: its tests hold the views that show what a table
// stores (touchpoints, rejected, profiles, scores, ledger) against what was put into
// the table, and the tables that materialized views fill against the same sums over
// the events.
package tables
