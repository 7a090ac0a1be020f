package intake

import "strconv"

// verdictHeader says in one line what became of a request, whatever its protocol
// can say: "accepted=3, duplicate=1, rejected=2, dropped=1", or "refused=3,
// reason=rate_limited". Counts of zero are left out but for accepted. Duplicates
// are counted within accepted.
const verdictHeader = "Touchline-Verdict"

// usual is up to how many events the line of a request without anything special
// is made in advance.
const usual = 64

func usualLines() (lines [usual + 1][]string) {
	for n := range lines {
		lines[n] = []string{"accepted=" + strconv.Itoa(n)}
	}
	return lines
}

// summary returns the value of the header. It may be shared: net/http reads it.
func (v *Verdict) summary(usualLines *[usual + 1][]string) []string {
	if v.Fault.Reason != "" {
		return []string{"refused=" + strconv.Itoa(v.Refused) + ", reason=" + string(v.Fault.Reason)}
	}
	if len(v.Rejected) == 0 && len(v.Duplicates) == 0 && v.Drops.N == 0 && v.Accepted <= usual {
		return usualLines[v.Accepted]
	}
	line := strconv.AppendInt([]byte("accepted="), int64(v.Accepted), 10)
	for _, part := range [...]struct {
		name string
		n    int
	}{{"duplicate", len(v.Duplicates)}, {"rejected", len(v.Rejected)}, {"dropped", v.Drops.N}} {
		if part.n > 0 {
			line = strconv.AppendInt(append(append(append(line, ", "...), part.name...), '='), int64(part.n), 10)
		}
	}
	return []string{string(line)}
}
