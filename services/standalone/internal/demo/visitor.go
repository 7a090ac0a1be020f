package demo

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"time"
)

// visitor is a person and what they have done so far. Everything about them
// follows from their name alone.
type visitor struct {
	shop *shop
	rng  *rand.Rand
	// name is the source of every id, prefix begins those of messages, and made is
	// the number of events so far.
	name, prefix string
	made         int
	// at is the visitor's clock.
	at time.Time

	language int
	ip       string
	// userAgent is that of the browser. In the app phone is set, not nil.
	userAgent string
	phone     *phone
	// device is the anonymous id, user the id once signed up.
	device, user string

	// page is what the browser shows, campaign what its address says, and source
	// how the present visit came about.
	page     Page
	campaign *Campaign
	source   source
	// cart holds indices of products. It outlives a visit; abandoned says that
	// one ended with something in it, and bought when the last order was.
	cart      []int
	abandoned bool
	bought    time.Time

	events []Event
}

// lifetime is for how many days after the first visit a visitor may come back.
const lifetime = 60

// Visitor returns all that visitor n of a day ever does, in the order of time:
// on that day (in UTC) and, for those who come back, up to two months later. The
// same arguments give the same events with the same ids.
func Visitor(seed uint64, day time.Time, n int) []Event {
	return newShop().visitor(seed, day, n)
}

func (s *shop) visitor(seed uint64, day time.Time, n int) []Event {
	day = day.UTC().Truncate(24 * time.Hour)
	v := s.newVisitor(historyPrefix, fmt.Sprintf("%d/%s/%d", seed, day.Format(time.DateOnly), n))
	v.at = v.moment(day)
	if v.arrive() {
		v.comeBack(day)
	}
	slices.SortStableFunc(v.events, func(a, b Event) int { return a.At.Compare(b.At) })
	return v.events
}

// newVisitor returns a visitor who has done nothing yet.
func (s *shop) newVisitor(prefix, name string) *visitor {
	sum := sha256.Sum256([]byte(name))
	v := &visitor{
		shop: s, name: name, prefix: prefix,
		rng: rand.New(rand.NewPCG(binary.LittleEndian.Uint64(sum[:]), binary.LittleEndian.Uint64(sum[8:]))),
	}
	v.device = v.uuid("device")
	// The three networks that are reserved for documentation.
	v.ip = fmt.Sprintf("%s.%d", [...]string{"192.0.2", "198.51.100", "203.0.113"}[v.rng.IntN(3)], 1+v.rng.IntN(254))
	v.language = v.index(len(s.languages), func(i int) float64 { return s.languages[i].weight })
	v.userAgent = pick(v, browsers(), func(b browser) float64 { return b.weight }).userAgent
	if v.chance(0.1) {
		v.takePhone()
	}
	return v
}

// arrive makes the first visit, and reports whether it was that of a human.
func (v *visitor) arrive() bool {
	if v.chance(0.03) {
		v.crawl()
		return false
	}
	v.visit(pick(v, sources(), func(s source) float64 { return s.weight }))
	return true
}

// comeBack makes the visits and messages of the days after the first.
func (v *visitor) comeBack(first time.Time) {
	// Half the visitors never think of the shop again.
	loyalty := pick(v, []float64{0, 0.08, 0.3}, func(l float64) float64 {
		return map[float64]float64{0: 50, 0.08: 35, 0.3: 15}[l]
	})
	for d := 1; d <= lifetime; d++ {
		day := first.AddDate(0, 0, d)
		v.writeTo(day)
		v.at = v.moment(day)
		switch {
		case v.abandoned && v.chance(0.15):
			v.remind()
		// Interest halves in two weeks.
		case v.chance(loyalty / (1 + float64(d)/14) * weekday(day)):
			v.visit(v.way())
		}
	}
}

// way is how somebody who knows the shop gets there.
func (v *visitor) way() source {
	ways := []source{bookmark(), search(), newsletter()}
	return ways[v.index(len(ways), func(i int) float64 { return [...]float64{5, 3, 2}[i] })]
}

// weekday is how busy a day is; the mean of a week is 1.
func weekday(day time.Time) float64 {
	return [...]float64{0.85, 1.2, 1.15, 1.1, 1.05, 0.95, 0.7}[day.Weekday()] // from Sunday
}

// moment returns a time of the day in UTC: few are awake at night, most come at
// noon and in the evening of their own time zone.
func (v *visitor) moment(day time.Time) time.Time {
	hour := v.index(24, func(h int) float64 {
		return [...]float64{2, 1, 1, 1, 1, 2, 4, 7, 9, 10, 11, 12, 13, 12, 10, 10, 10, 11, 13, 15, 16, 13, 8, 4}[h]
	})
	local := float64(hour) + v.rng.Float64()
	ms := math.Mod(local-v.shop.languages[v.language].offset+24, 24) * float64(time.Hour/time.Millisecond)
	return day.Add(time.Duration(ms) * time.Millisecond)
}

// wait lets time pass: 3 s at least, about mean, 20 min at most, which is within
// one visit.
func (v *visitor) wait(mean time.Duration) {
	d := 3*time.Second + time.Duration(v.rng.ExpFloat64()*float64(mean))
	v.at = v.at.Add(min(d, 20*time.Minute).Truncate(time.Millisecond))
}

func (v *visitor) chance(p float64) bool { return v.rng.Float64() < p }

// index returns one of 0 to n-1, each as likely as its weight says.
func (v *visitor) index(n int, weight func(int) float64) int {
	sum := 0.0
	for i := range n {
		sum += weight(i)
	}
	at := v.rng.Float64() * sum
	for i := range n {
		if at -= weight(i); at < 0 {
			return i
		}
	}
	return n - 1
}

func pick[T any](v *visitor, all []T, weight func(T) float64) T {
	return all[v.index(len(all), func(i int) float64 { return weight(all[i]) })]
}

// id returns 128 bits that no other visitor has under that purpose.
func (v *visitor) id(purpose string) (id [16]byte) {
	sum := sha256.Sum256([]byte(v.name + "/" + purpose))
	copy(id[:], sum[:])
	return id
}

// uuid returns id in the form of a random UUID.
func (v *visitor) uuid(purpose string) string {
	b := v.id(purpose)
	b[6], b[8] = b[6]&0x0f|0x40, b[8]&0x3f|0x80
	return fmt.Sprintf("%x-%x-%x-%x-%x", b[:4], b[4:6], b[6:8], b[8:10], b[10:])
}

// What the message ids of the history and of live visitors begin with.
const (
	historyPrefix = "demo-"
	livePrefix    = "live-"
)

// messageID returns the id of the next event.
func (v *visitor) messageID() string {
	v.made++
	b := v.id(fmt.Sprintf("message/%d", v.made))
	return v.prefix + hex.EncodeToString(b[:])
}
