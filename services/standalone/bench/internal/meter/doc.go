// Package meter measures processes of this host: the processor time and the
// memory they have used, what they have allocated, and how fast this processor
// is. It reads /proc, so it works on Linux, and the metrics that our services
// serve.
package meter
