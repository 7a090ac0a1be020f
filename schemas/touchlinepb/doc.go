// Package touchlinepb is the official generated code of the message definitions
// in folder proto: for readers that want plain Protocol Buffers, for tools, and
// for messages that are not on the hot path. Package event reads and writes the
// same bytes faster.
package touchlinepb
