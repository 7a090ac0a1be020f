package meter

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"
)

// Heap counts what a Go process has allocated since it began.
type Heap struct{ Objects, Bytes float64 }

// Sub returns what was allocated since an earlier reading.
func (h Heap) Sub(earlier Heap) Heap {
	return Heap{h.Objects - earlier.Objects, h.Bytes - earlier.Bytes}
}

// maxMetrics bounds the metrics that are read, in bytes.
const maxMetrics = 4 << 20

var errMetrics = errors.New("is not a page of metrics with the allocations of a Go process")

// ReadHeap asks the admin listener at host:port. A question costs the process
// some thousand allocations itself.
func ReadHeap(ctx context.Context, admin string) (Heap, error) {
	h, err := readHeap(ctx, "http://"+admin+"/metrics")
	if err != nil {
		return h, fmt.Errorf("read allocations: %w", err)
	}
	return h, nil
}

func readHeap(ctx context.Context, url string) (h Heap, err error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, http.NoBody)
	if err != nil {
		return h, err
	}
	resp, err := (&http.Client{Transport: &http.Transport{DisableKeepAlives: true}}).Do(req)
	if err != nil {
		return h, err
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(io.LimitReader(resp.Body, maxMetrics))
	if err != nil {
		return h, err
	}
	found := 0
	for line := range strings.Lines(string(text)) {
		name, value, _ := strings.Cut(strings.TrimSpace(line), " ")
		var into *float64
		switch name {
		case "go_memstats_mallocs_total":
			into = &h.Objects
		case "go_memstats_alloc_bytes_total":
			into = &h.Bytes
		default:
			continue
		}
		if *into, err = strconv.ParseFloat(value, 64); err != nil {
			return h, err
		}
		found++
	}
	if found != 2 {
		return h, fmt.Errorf("%s %w", url, errMetrics)
	}
	return h, nil
}
