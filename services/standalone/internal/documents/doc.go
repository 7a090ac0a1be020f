// Package documents holds tests only: what the documents tell people to type works, on
// the demo shop of `make run`, and finds something there.
package documents
