// Package intake takes events in: it routes a request to its protocol, reads the
// body, finds out whose it is, checks each event, publishes them, and answers
// once the log has them.
//
// It reads HTTP requests and writes records to the raw topic. It guarantees that
// a success is answered only after every event of the request is acknowledged,
// that an unusable event is published with the reason beside its bytes and harms
// none of its neighbours, and that nothing is stored for a write key that opens
// no project. What it holds is bounded in bytes.
//
// A protocol is a folder of its own beside this one that provides a Protocol.
package intake
