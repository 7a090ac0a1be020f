package report

import (
	"fmt"
	"slices"
)

// spread is the median and the ends of a sample.
type spread struct{ least, median, most float64 }

func middle[T any](of []T, value func(T) float64) spread {
	sample := make([]float64, len(of))
	for i, x := range of {
		sample[i] = value(x)
	}
	slices.Sort(sample)
	n := len(sample)
	return spread{sample[0], (sample[(n-1)/2] + sample[n/2]) / 2, sample[n-1]}
}

// text is the median with the range behind it.
func (s spread) text(decimals int) string {
	return fmt.Sprintf("%.*f (%.*f–%.*f)", decimals, s.median, decimals, s.least, decimals, s.most)
}
