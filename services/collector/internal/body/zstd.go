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

// zstdBlock is what the decoder may write beyond a bound before it looks.
const zstdBlock = 128<<10 + 64

// unpackZstd unpacks wire in one piece: a stream would hold its window
// besides the result, while here the result is all there is. 10 kB can stand for
// 100 MB, so what may become of it is reserved before, and the decoder ends a
// frame that exceeds it. unpacked is what this body may become, at most limit,
// which is the same for all.
func (b *Buffer) unpackZstd(wire []byte, limit, unpacked int, from *budget.Budget) ([]byte, error) {
	bound := max(limit, zstdWindow)
	if !b.reserve(smallBody, bound, from) {
		return nil, ErrNoBudget
	}
	if b.inflate.zstd == nil {
		d, err := zstd.NewReader(nil, zstd.WithDecoderConcurrency(1), zstd.WithDecoderMaxMemory(uint64(bound)))
		if err != nil {
			return nil, fmt.Errorf("make zstd decoder: %w", err)
		}
		b.inflate.zstd = d
	}
	// A frame that does not say how much it holds gets room for the most, or the
	// decoder would move it from buffer to buffer.
	var head zstd.Header
	room := bound + zstdBlock
	if err := head.Decode(wire); err == nil && head.HasFCS {
		if head.FrameContentSize > uint64(unpacked) {
			return nil, tooLarge(unpacked)
		}
		room = int(head.FrameContentSize) + zstdBlock
	}
	block := from.Lend(room)
	b.lent = append(b.lent, block)
	text, err := b.inflate.zstd.DecodeAll(wire, block.Bytes)
	switch {
	case errors.Is(err, zstd.ErrDecoderSizeExceeded), errors.Is(err, zstd.ErrWindowSizeExceeded), err == nil && len(text) > unpacked:
		return nil, tooLarge(unpacked)
	case err != nil:
		return nil, fmt.Errorf("%w: %w", ErrUnreadable, err)
	case len(text) > cap(block.Bytes)/2:
		return text, nil
	}
	small := from.Lend(len(text))
	b.lent[len(b.lent)-1] = small
	text = append(small.Bytes, text...)
	from.Return(block)
	return text, nil
}
