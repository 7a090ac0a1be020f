// Package load sends a fixed, seeded number of events to a collector, as SDKs
// send them: bodies and headers are recorded requests of real SDKs, with the ids
// and times that differ from event to event put in anew.
//
// It reads the recordings in schemas/testdata/sdk. What it sends is a pure
// function of a Plan, apart from the times: so the number of events that must be
// stored, and of those that must be recognised as retries, is known beforehand.
package load
