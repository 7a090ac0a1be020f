package analytics

import (
	"math"
	"slices"
)

// quantile returns the value below which the share p of the values lies, by
// linear interpolation between the two nearest, so the median of two values is
// their mean. Of no values it is 0.
func quantile(values []float64, p float64) float64 {
	if len(values) == 0 {
		return 0
	}
	sorted := slices.Sorted(slices.Values(values))
	place, rest := math.Modf(p * float64(len(sorted)-1))
	i := int(place)
	if rest == 0 {
		return sorted[i]
	}
	return sorted[i] + rest*(sorted[i+1]-sorted[i])
}

// ratio returns part / whole, and 0 of nothing.
func ratio(part, whole int64) float64 {
	if whole == 0 {
		return 0
	}
	return float64(part) / float64(whole)
}
