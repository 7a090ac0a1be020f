package useragent

// A user agent meets most of the hundreds of expressions nowhere near. Before an
// expression runs, the trigrams of a string that it cannot match without are
// looked up among those of the user agent; this takes nanoseconds where the
// expression takes microseconds.

// trigrams is the set of three-byte sequences of a text in lower case, hashed to
// 14 bits. Texts of different sets may share hashes, so it tells for certain only
// that a text does not contain a string.
type trigrams [1 << 14 / 64]uint64

// hash mixes three bytes to 14 bits: the multiplication carries all of them to
// the top.
func hash(a, b, c byte) uint16 {
	v := uint32(a) | uint32(b)<<8 | uint32(c)<<16
	return uint16(v * 2654435761 >> 18)
}

// fill sets the trigrams of an ASCII text.
func (t *trigrams) fill(text string) {
	*t = trigrams{}
	if len(text) < 3 {
		return
	}
	a, b := lower(text[0]), lower(text[1])
	for i := 2; i < len(text); i++ {
		c := lower(text[i])
		h := hash(a, b, c)
		t[h>>6] |= 1 << (h & 63)
		a, b = b, c
	}
}

func lower(c byte) byte {
	if 'A' <= c && c <= 'Z' {
		return c | 0x20
	}
	return c
}

// filter is a set of strings of which one must occur, each as the hashes of its
// trigrams. A filter without strings lets everything through.
type filter [][]uint16

func newFilter(strings []string) filter {
	var f filter
	for _, s := range strings {
		var hashes []uint16
		for i := 2; i < len(s); i++ {
			hashes = append(hashes, hash(s[i-2], s[i-1], s[i]))
		}
		f = append(f, hashes)
	}
	return f
}

// excludes reports whether none of the strings can occur in the text of t.
func (f filter) excludes(t *trigrams) bool {
next:
	for _, hashes := range f {
		for _, h := range hashes {
			if t[h>>6]&(1<<(h&63)) == 0 {
				continue next
			}
		}
		return false
	}
	return len(f) > 0
}
