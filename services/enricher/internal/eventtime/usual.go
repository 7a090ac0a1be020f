package eventtime

import "encoding/binary"

// usual reads "2026-03-10T10:00:00.000Z", the form in which JavaScript writes a
// time and so nearly all SDKs do. ok is false for everything else, whether it is
// another form or no time.
func usual(text []byte) (ms int64, ok bool) {
	if len(text) != len("2026-03-10T10:00:00.000Z") {
		return 0, false
	}
	// With the marks taken off, three words of eight bytes: YYYY.MM. DD.HH.MM
	// .SS.mmm. hold the digits' values, and 0 in place of the marks.
	date := binary.LittleEndian.Uint64(text) ^ 0x2d30302d30303030      // "0000-00-", the first byte lowest
	hours := binary.LittleEndian.Uint64(text[8:]) ^ 0x30303a3030543030 // "00T00:00"
	rest := binary.LittleEndian.Uint64(text[16:]) ^ 0x5a3030302e30303a // ":00.000Z"
	if !digits(date, 0xff0000ff00000000) || !digits(hours, 0x0000ff0000ff0000) || !digits(rest, 0xff000000ff0000ff) {
		return 0, false
	}
	seconds, ok := instant(
		two(date)*100+two(date>>16), two(date>>40),
		two(hours), two(hours>>24), two(hours>>48), two(rest>>8),
	)
	return seconds*1000 + int64(two(rest>>32)*10) + int64(rest>>48&0xff), ok
}

// digits reports whether each byte of v is at most 9, and 0 where marks has a
// byte. What is added takes a byte above 9 to 128 and more; a byte that is 128
// already may reach into the next.
func digits(v, marks uint64) bool {
	return v&marks == 0 && (v|(v+0x7676767676767676))&0x8080808080808080 == 0
}

// two returns the number that the two lowest bytes are the digits of.
func two(v uint64) int { return int(v&0xff)*10 + int(v>>8&0xff) }
