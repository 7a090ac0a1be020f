package analytics

import "slices"

// quantile returns the value below which the share p of the values lies, by
// linear interpolation between the two nearest, so the median of two values is
// their mean. Of no values it is 0. The steps of the computation are those of
// quantileExactInclusive, so that the last bit is the same too.
func quantile(values []float64, p float64) float64 {
	if len(values) == 0 {
		return 0
	}
	sorted := slices.Sorted(slices.Values(values))
	place := p*float64(len(sorted)-1) + 1
	i := int(place)
	if i >= len(sorted) {
		return sorted[len(sorted)-1]
	}
	return sorted[i-1] + (place-float64(i))*(sorted[i]-sorted[i-1])
}

// ratio returns part / whole, and 0 of nothing.
func ratio(part, whole int64) float64 {
	if whole == 0 {
		return 0
	}
	return float64(part) / float64(whole)
}
