// Package meter measures processes of this host: the processor time and the
// memory they have used, and how fast this processor is. It reads /proc, so it
// works on Linux.
package meter
