// Package body reads request bodies and unpacks them. It bounds what a client
// can make it hold: bytes on the wire, bytes unpacked, how much comes out of how
// little, and its part of the budget, which grows with what has arrived and not
// with what was announced.
//
// The bytes decide how a body is packed: gzip and zstd are recognised by their
// first bytes whatever the headers say, because SDKs and proxies label them
// wrongly; brotli and deflate, which have no mark, by the header.
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
	firstRead = 4 << 10
	// smallBody is what every body may hold. What is beyond it comes out of the
	// part of the budget that is for large ones.
	smallBody = 128 << 10
)

// A body may unpack to freeBytes whatever its size, and beyond that to maxRatio
// times its size. Batches of thousands of events that differ in nothing but ids and
// times reach 34 with any encoding; zeros reach 1,029 with gzip and far more with
// the others.
const (
	freeBytes = 1 << 20
	maxRatio  = 300
)

// Buffer holds one body at a time and is used again for the next; in between it
// holds nothing. It belongs to one goroutine.
type Buffer struct {
	wire            []byte
	lent            []*budget.Block
	reserved, large int
	inflate         inflater
	probe           [1]byte
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
	if b.wire, err = b.fill(r.Body, int(r.ContentLength), limits.Wire, from); err != nil {
		return nil, err
	}
	return b.unpack(b.wire, packing, limits.Unpacked, from)
}

// Wire returns the body that was read last as it came.
func (b *Buffer) Wire() []byte { return b.wire }

// Unpack unpacks data that was found inside a body and begins like something
// packed; other data comes back as it is. limit is in bytes. The result is valid
// until Free, which must be called whether or not there was an error.
func (b *Buffer) Unpack(data []byte, limit int, from *budget.Budget) ([]byte, error) {
	return b.unpack(data, "", limit, from)
}

func (b *Buffer) unpack(wire []byte, packing string, limit int, from *budget.Budget) ([]byte, error) {
	unpacked := min(limit, max(freeBytes, maxRatio*len(wire)))
	if isZstd(wire) {
		return b.unpackZstd(wire, limit, unpacked, from)
	}
	source := b.inflate.open(wire, packing)
	switch {
	case source == nil && packing == "br":
		return b.unpackBrotli(wire, unpacked, from)
	case source == nil:
		return plain(wire, limit)
	}
	return b.fill(source, -1, unpacked, from)
}

// plain returns a body that is not packed.
func plain(wire []byte, limit int) ([]byte, error) {
	if len(wire) > limit {
		return nil, tooLarge(limit)
	}
	return wire, nil
}

func tooLarge(limit int) error {
	return fmt.Errorf("%w: the limit is %d bytes", ErrTooLarge, limit)
}

// isLimit reports whether a body could be read if it were smaller, or later.
func isLimit(err error) bool { return errors.Is(err, ErrTooLarge) || errors.Is(err, ErrNoBudget) }

// Free ends the use of what Read and Unpack returned.
func (b *Buffer) Free(to *budget.Budget) {
	for i, block := range b.lent {
		to.Return(block)
		b.lent[i] = nil
	}
	to.Release(b.reserved)
	to.ReleaseLarge(b.large)
	b.wire, b.lent, b.reserved, b.large = nil, b.lent[:0], 0, 0
}

// reserve takes n bytes more for a buffer that has held already.
func (b *Buffer) reserve(held, n int, from *budget.Budget) bool {
	small := min(n, max(0, smallBody-held))
	if !from.Reserve(small) {
		return false
	}
	b.reserved += small
	if n > small {
		if !from.ReserveLarge(n - small) {
			return false
		}
		b.large += n - small
	}
	return true
}

// fill reads source to its end. length is what is to come, or -1.
func (b *Buffer) fill(source io.Reader, length, limit int, from *budget.Budget) ([]byte, error) {
	most := limit
	if length >= 0 {
		most = min(most, length)
	}
	var buf []byte
	at := len(b.lent) // of the block of buf
	held := 0
	for {
		room := buf[len(buf):held]
		if len(room) == 0 && held < most {
			more := min(max(held, firstRead), most-held)
			if length >= 0 && most <= 4*held {
				more = most - held // no steps between
			}
			if !b.reserve(held, more, from) {
				return nil, ErrNoBudget
			}
			held += more
			if cap(buf) < held {
				larger := from.Lend(held)
				buf = append(larger.Bytes, buf...)
				if at == len(b.lent) {
					b.lent = append(b.lent, larger)
				} else {
					from.Return(b.lent[at])
					b.lent[at] = larger
				}
			}
			room = buf[len(buf):held]
		}
		full := len(room) == 0
		if full {
			room = b.probe[:] // tells the end from too much
		}
		n, err := source.Read(room)
		switch {
		case n > 0 && full:
			return nil, tooLarge(limit)
		case err == io.EOF:
			return buf[:len(buf)+n], nil
		case err != nil:
			return nil, fault(err)
		}
		buf = buf[:len(buf)+n]
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
	case name == "gzip" || name == "x-gzip" || name == "deflate" || name == "br" || name == "zstd":
		return name, nil
	}
	return "", ErrEncoding
}
