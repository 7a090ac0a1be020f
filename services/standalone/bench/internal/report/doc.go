// Package report turns what was measured into a Markdown section, with medians
// over the rounds, and puts it into a document between two markers. It measures
// nothing and leaves nothing out: a count that does not add up is an error.
package report
