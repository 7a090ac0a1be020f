package body

import (
	"bytes"
	"fmt"

	"github.com/andybalholm/brotli"

	"touchline.dev/services/collector/internal/budget"
)

const (
	// brotliTables is what a decoder may take besides its window: 256 trees of 1080
	// codes of four bytes for each of two alphabets, and smaller ones for a third.
	brotliTables = 5 << 19
	// widestBrotli is the window that encoders use by default. A wider one is of no
	// use to a body of a few megabytes, and refused.
	widestBrotli = 4 << 20
)

// unpackBrotli unpacks wire. The stream says at its start how large a window it
// wants, and the decoder may make that before anything has come out, so it is
// reserved before. No decoder is kept: it would keep the window.
//
// A brotli stream has no mark of its own. What was announced as one, is none and
// begins like JSON was unpacked on its way, and is taken as it is.
func (b *Buffer) unpackBrotli(wire []byte, limit int, from *budget.Budget) ([]byte, error) {
	window := brotliWindow(wire)
	if window > widestBrotli {
		return nil, fmt.Errorf("%w: the limit is a window of %d bytes", ErrTooLarge, widestBrotli)
	}
	if !b.reserve(smallBody, window+brotliTables, from) {
		return nil, ErrNoBudget
	}
	text, err := b.fill(brotli.NewReader(bytes.NewReader(wire)), -1, limit, from)
	if err != nil {
		if start := bytes.TrimLeft(wire, " \t\r\n"); len(start) > 0 && (start[0] == '{' || start[0] == '[') && !isLimit(err) {
			return plain(wire, limit)
		}
		return nil, err
	}
	return text, nil
}

// brotliWindow returns the window that a stream asks for in its first bits
// (RFC 7932, 9.1).
func brotliWindow(wire []byte) int {
	if len(wire) == 0 {
		return 0
	}
	switch head := wire[0]; {
	case head&1 == 0:
		return 1 << 16
	case head>>1&7 != 0:
		return 1 << (17 + head>>1&7)
	case head>>4&7 == 0:
		return 1 << 17
	default:
		return 1 << (8 + head>>4&7)
	}
}
