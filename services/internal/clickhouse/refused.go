package clickhouse

import (
	"errors"
	"fmt"
)

var (
	// ErrManyRefused: more of a block is refused than the caller would leave out.
	ErrManyRefused = errors.New("too many rows are refused")
	// ErrRefusedTogether: rows are refused together and taken one by one, so leaving
	// some of them out would be arbitrary.
	ErrRefusedTogether = errors.New("rows are refused together, but none by itself")
)

// FindRefused returns those of n things, by ascending index, that are refused: none
// when all are taken. probe asks about the things lo to hi-1 together; it returns nil
// when all are taken and an error that Refused knows when one is not. Any other error
// of probe ends the search and is returned.
//
// With k refused things it asks at most 1 + 2k*ceil(log2 n) times, about fewer than
// 2n things for k = 1. It gives up with ErrManyRefused when there are more than most.
func FindRefused(n, most int, probe func(lo, hi int) error) ([]int, error) {
	var refused []int
	var search func(lo, hi int) error
	search = func(lo, hi int) error {
		switch err := probe(lo, hi); {
		case err == nil:
			return nil
		case !Refused(err):
			return err
		case hi-lo == 1 && len(refused) == most:
			return fmt.Errorf("%w: more than %d: %w", ErrManyRefused, most, err)
		case hi-lo == 1:
			refused = append(refused, lo)
			return nil
		default:
			before := len(refused)
			mid := lo + (hi-lo)/2
			if err := search(lo, mid); err != nil {
				return err
			}
			if err := search(mid, hi); err != nil {
				return err
			}
			if len(refused) == before {
				return fmt.Errorf("%w: %w", ErrRefusedTogether, err)
			}
			return nil
		}
	}
	if n == 0 {
		return nil, nil
	}
	if err := search(0, n); err != nil {
		return nil, err
	}
	return refused, nil
}
