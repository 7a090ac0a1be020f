// Package body reads request bodies and unpacks them. It bounds what a client
// can make it hold: bytes on the wire, bytes unpacked, and its part of the
// budget, which grows with what has arrived and not with what was announced.
//
// The bytes decide how a body is packed: gzip and zstd are recognised by their
// first bytes whatever the headers say, because SDKs and proxies label them
// wrongly.
package body

import (
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"

	"touchline.dev/services/collector/internal/budget"
)

// Why a body was not read. What the errors of Read wrap is one of these.
var (
	// ErrTooLarge: longer than a limit, on the wire or unpacked.
	ErrTooLarge = errors.New("body too large")
	// ErrEncoding: a Content-Encoding that is not spoken here.
	ErrEncoding = errors.New("unsupported content encoding")
	// ErrStalled: the client stopped sending.
	ErrStalled = errors.New("body stalled")
	// ErrUnreadable: the transfer broke off, or the packed stream is corrupt.
	ErrUnreadable = errors.New("unreadable body")
	// ErrNoBudget: too much is being held already; try again later.
	ErrNoBudget = errors.New("no budget left")
)

// Limits bound one body, in bytes.
type Limits struct {
	Wire     int
	Unpacked int
}

const (
	// firstRead is what a body gets before any of it has arrived: most fit.
	firstRead = 16 << 10
	// keep is the largest buffer kept for the next request; 4 KiB to a few
	// hundred KiB is what SDKs send.
	keep = 512 << 10
)

// Buffer holds one body at a time and is used again for the next. It belongs to
// one goroutine.
type Buffer struct {
	wire     []byte
	unpacked []byte
	reserved int
	inflate  inflater
}

// Read reads and unpacks the body of r. The result is valid until Free, which
// must be called whether or not there was an error.
func (b *Buffer) Read(r *http.Request, limits Limits, from *budget.Budget) ([]byte, error) {
	packing, err := packing(r.Header["Content-Encoding"])
	if err != nil {
		return nil, err
	}
	if r.ContentLength > int64(limits.Wire) {
		return nil, fmt.Errorf("%w: %d bytes announced, the limit is %d", ErrTooLarge, r.ContentLength, limits.Wire)
	}
	if b.wire, err = b.fill(b.wire[:0], r.Body, int(r.ContentLength), limits.Wire, from); err != nil {
		return nil, err
	}
	if isZstd(b.wire) {
		return b.unpackZstd(limits.Unpacked, from)
	}
	source := b.inflate.open(b.wire, packing)
	if source == nil {
		if len(b.wire) > limits.Unpacked {
			return nil, fmt.Errorf("%w: the limit is %d bytes", ErrTooLarge, limits.Unpacked)
		}
		return b.wire, nil
	}
	if b.unpacked, err = b.fill(b.unpacked[:0], source, -1, limits.Unpacked, from); err != nil {
		return nil, err
	}
	return b.unpacked, nil
}

// Free ends the use of what Read returned.
func (b *Buffer) Free(to *budget.Budget) {
	to.Release(b.reserved)
	b.reserved = 0
	if cap(b.wire) > keep {
		b.wire = nil
	}
	if cap(b.unpacked) > keep {
		b.unpacked = nil
	}
}

// fill reads source to its end. length is what is to come, or -1.
func (b *Buffer) fill(buf []byte, source io.Reader, length, limit int, from *budget.Budget) ([]byte, error) {
	held := 0
	for {
		if len(buf) == held {
			// One byte more than the limit tells "full" from "too large".
			more := min(max(held, firstRead), limit+1-held)
			if length >= 0 {
				more = min(more, length+1-held)
			}
			if !from.Reserve(more) {
				return buf, ErrNoBudget
			}
			held += more
			b.reserved += more
			if cap(buf) < held {
				grown := make([]byte, len(buf), max(held, firstRead))
				copy(grown, buf)
				buf = grown
			}
		}
		n, err := source.Read(buf[len(buf):held])
		buf = buf[:len(buf)+n]
		switch {
		case len(buf) > limit:
			return buf, fmt.Errorf("%w: the limit is %d bytes", ErrTooLarge, limit)
		case err == io.EOF:
			return buf, nil
		case err != nil:
			return buf, fault(err)
		}
	}
}

func fault(err error) error {
	var timeout net.Error
	if errors.As(err, &timeout) && timeout.Timeout() {
		return ErrStalled
	}
	return fmt.Errorf("%w: %w", ErrUnreadable, err)
}

// packing returns the one encoding of the header, in lower case; "" for none.
func packing(values []string) (string, error) {
	if len(values) == 0 {
		return "", nil
	}
	name := strings.ToLower(strings.TrimSpace(values[0]))
	switch {
	case len(values) > 1:
	case name == "" || name == "identity":
		return "", nil
	case name == "gzip" || name == "x-gzip" || name == "deflate" || name == "zstd":
		return name, nil
	}
	return "", ErrEncoding
}
