package body

import (
	"bytes"
	"io"

	"github.com/klauspost/compress/flate"
	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zlib"
	"github.com/klauspost/compress/zstd"
)

// inflater keeps the decompressors of a Buffer, each made when it is first
// needed: one holds about 40 KiB.
type inflater struct {
	source bytes.Reader
	gzip   *gzip.Reader
	zlib   io.ReadCloser
	flate  io.ReadCloser
	zstd   *zstd.Decoder
}

// broken is a stream whose head is already wrong.
type broken struct{ err error }

func (b broken) Read([]byte) (int, error) { return 0, b.err }

// open returns a reader of what wire is packed from, or nil when it is not
// packed. A body labelled gzip that does not begin like gzip was unpacked on its
// way and is taken as it is.
func (f *inflater) open(wire []byte, packing string) io.Reader {
	f.source.Reset(wire)
	switch {
	case len(wire) >= 2 && wire[0] == 0x1f && wire[1] == 0x8b:
		return f.openGzip()
	case packing == "deflate" && len(wire) >= 2:
		// zlib's head is 15 bits of a multiple of 31 that name method 8; HTTP
		// asks for it, but some clients send the bare stream.
		if wire[0]&0x0f == 8 && (int(wire[0])<<8|int(wire[1]))%31 == 0 {
			return f.openZlib()
		}
		return f.openFlate()
	}
	return nil
}

func (f *inflater) openGzip() io.Reader {
	if f.gzip == nil {
		f.gzip = new(gzip.Reader)
	}
	if err := f.gzip.Reset(&f.source); err != nil {
		return broken{err}
	}
	return f.gzip
}

func (f *inflater) openZlib() io.Reader {
	if f.zlib == nil {
		r, err := zlib.NewReader(&f.source)
		if err != nil {
			return broken{err}
		}
		f.zlib = r
		return r
	}
	if err := f.zlib.(zlib.Resetter).Reset(&f.source, nil); err != nil {
		return broken{err}
	}
	return f.zlib
}

func (f *inflater) openFlate() io.Reader {
	if f.flate == nil {
		f.flate = flate.NewReader(&f.source)
		return f.flate
	}
	if err := f.flate.(flate.Resetter).Reset(&f.source, nil); err != nil {
		return broken{err}
	}
	return f.flate
}
