package analytics

import "testing"

// Sums go beyond 64 bits and come back, and show the bound of the type meanwhile.
func TestAmount(t *testing.T) {
	var a Amount
	for range 20 {
		a.Add(maxAmount)
	}
	if have := a.Clamped(); have != maxAmount {
		t.Errorf("20 times the most: have %d, want %d", have, int64(maxAmount))
	}
	if have := a.Float(); have != 20*99999999999999.9999 {
		t.Errorf("20 times the most: have %f", have)
	}
	for range 40 {
		a.Add(-maxAmount)
	}
	if have := a.Clamped(); have != -maxAmount {
		t.Errorf("-20 times the most: have %d, want %d", have, int64(-maxAmount))
	}
	if have := a.Float(); have != -20*99999999999999.9999 {
		t.Errorf("-20 times the most: have %f", have)
	}
	var b Amount
	for range 20 {
		b.Add(maxAmount)
	}
	b.Add(-7)
	a.Plus(b)
	if have := a.Clamped(); have != -7 {
		t.Errorf("what is left: have %d, want -7", have)
	}
	if have := a.Float(); have != -0.0007 {
		t.Errorf("what is left: have %f, want -0.0007", have)
	}
}
