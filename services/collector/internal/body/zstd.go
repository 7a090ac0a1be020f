package body

import (
	"bytes"
	"errors"
	"fmt"

	"github.com/klauspost/compress/zstd"

	"touchline.dev/services/collector/internal/budget"
)

func isZstd(wire []byte) bool { return bytes.HasPrefix(wire, []byte{0x28, 0xb5, 0x2f, 0xfd}) }

// zstdWindow is the window that HTTP allows a zstd frame to ask for (RFC 9659);
// a streaming encoder asks for it before it knows how little will come.
const zstdWindow = 8 << 20

// unpackZstd unpacks the wire bytes in one piece: a stream would hold its window
// besides the result, while here the result is all there is. 10 kB can stand for
// 100 MB, so what may become of it is reserved before, and the decoder ends a
// frame that exceeds it.
func (b *Buffer) unpackZstd(limit int, from *budget.Budget) ([]byte, error) {
	bound := max(limit, zstdWindow)
	if !from.Reserve(bound) {
		return nil, ErrNoBudget
	}
	b.reserved += bound
	if b.inflate.zstd == nil {
		d, err := zstd.NewReader(nil, zstd.WithDecoderConcurrency(1), zstd.WithDecoderMaxMemory(uint64(bound)))
		if err != nil {
			return nil, fmt.Errorf("make zstd decoder: %w", err)
		}
		b.inflate.zstd = d
	}
	var err error
	b.unpacked, err = b.inflate.zstd.DecodeAll(b.wire, b.unpacked[:0])
	switch {
	case errors.Is(err, zstd.ErrDecoderSizeExceeded), errors.Is(err, zstd.ErrWindowSizeExceeded), err == nil && len(b.unpacked) > limit:
		return nil, fmt.Errorf("%w: the limit is %d bytes", ErrTooLarge, limit)
	case err != nil:
		return nil, fmt.Errorf("%w: %w", ErrUnreadable, err)
	}
	return b.unpacked, nil
}
