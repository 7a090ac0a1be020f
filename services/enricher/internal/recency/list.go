// Package recency numbers things that are remembered and keeps the numbers in the order
// of the last use, so that what was not used for longest is found first.
//
// It does no I/O, and guarantees that every operation takes constant time and that the
// number of what was forgotten is given again before a new one.
package recency

// None is the number of nothing.
const None = -1

// List is the numbers in their order. It takes 16 bytes for each number that was ever in
// use at the same time, and is not safe for concurrent use.
type List struct {
	nodes []node
	// free is the first number that is not in use.
	free int32
	// oldest and newest are the ends of the order.
	oldest, newest int32
	len            int
}

// node is one number.
type node struct {
	// touched is the clock at its last use.
	touched int64
	// newer is the next free number in one that is not in use.
	older, newer int32
}

// New returns an empty list.
func New() *List { return &List{free: None, oldest: None, newest: None} }

// Len returns how many numbers are in use.
func (l *List) Len() int { return l.len }

// Oldest returns the number that was used least recently, None if there is none.
func (l *List) Oldest() int32 { return l.oldest }

// OldestBefore returns that number if its last use was before clock, otherwise None.
func (l *List) OldestBefore(clock int64) int32 {
	if l.oldest != None && l.nodes[l.oldest].touched < clock {
		return l.oldest
	}
	return None
}

// Add takes a number into use, as the one used last. It is at most one above all that
// were given before. Its time is that of Touch, which should follow: until then it is 0.
func (l *List) Add() (number int32) {
	number = l.free
	if number == None {
		number = int32(len(l.nodes))
		l.nodes = append(l.nodes, node{})
	} else {
		l.free = l.nodes[number].newer
		l.nodes[number].touched = 0
	}
	l.len++
	l.append(number)
	return number
}

// Touch makes a number in use the one used last. Its time never falls.
func (l *List) Touch(number int32, clock int64) {
	n := &l.nodes[number]
	n.touched = max(n.touched, clock)
	if l.newest != number {
		l.unlink(number)
		l.append(number)
	}
}

// Remove ends the use of a number.
func (l *List) Remove(number int32) {
	l.unlink(number)
	l.nodes[number].newer, l.free = l.free, number
	l.len--
}

func (l *List) append(number int32) {
	n := &l.nodes[number]
	n.older, n.newer = l.newest, None
	if l.newest == None {
		l.oldest = number
	} else {
		l.nodes[l.newest].newer = number
	}
	l.newest = number
}

func (l *List) unlink(number int32) {
	n := &l.nodes[number]
	if n.older == None {
		l.oldest = n.newer
	} else {
		l.nodes[n.older].newer = n.newer
	}
	if n.newer == None {
		l.newest = n.older
	} else {
		l.nodes[n.newer].older = n.older
	}
}
