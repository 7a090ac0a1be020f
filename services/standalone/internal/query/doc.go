// Package query puts the questions of a person at a terminal to the views of the
// database analytics: it finds the view, turns flags with friendly units ("14d",
// "2026-10-01") into the parameters of a call, asks, and writes the rows as an
// aligned table, CSV, JSON or Markdown.
//
// What there is to ask comes from the descriptions in the view files, so a new view
// is a new question without a line here. Every text reaches SQL as a literal, and
// nothing that a client once sent reaches a terminal unfiltered.
package query
