package ids

import "encoding/binary"

// parseUUID reads a UUID in its usual form: 36 characters, hex digits in lower
// case. ok is false for anything else.
func parseUUID(text string) (id [16]byte, ok bool) {
	if len(text) != 36 || text[8] != '-' || text[13] != '-' || text[18] != '-' || text[23] != '-' {
		return id, false
	}
	// The digits without the dashes: 8, 4+4, 4+4 and 8 behind the last 4.
	var digits [32]byte
	copy(digits[0:8], text[0:8])
	copy(digits[8:12], text[9:13])
	copy(digits[12:16], text[14:18])
	copy(digits[16:20], text[19:23])
	copy(digits[20:32], text[24:36])
	for i := range 4 {
		word, valid := eightHex(binary.LittleEndian.Uint64(digits[8*i:]))
		if !valid {
			return [16]byte{}, false
		}
		binary.LittleEndian.PutUint32(id[4*i:], word)
	}
	return id, true
}

// ones has a 1 in each of eight bytes.
const ones = 0x0101010101010101

// eightHex turns eight hex digits, the first one lowest in text, into four bytes,
// the first one lowest. Digits of random ids follow no pattern that a processor
// could predict, so there is no branch on them.
func eightHex(text uint64) (bytes uint32, ok bool) {
	letter := text >> 6 & ones // 'a' to 'f' are 0x61 to 0x66, '0' to '9' are 0x30 to 0x39
	v := text&(0x0f*ones) + 9*letter
	// v is at most 24, and above 15 for a letter behind f. Only letters are above 9,
	// and what is a digit is, written out again, what it was.
	ok = v&(0xf0*ones) == 0 && (v+6*ones)>>4&ones == letter && v+'0'*ones+('a'-'0'-10)*letter == text
	v = (v<<4 | v>>8) & 0x00ff00ff00ff00ff
	v = (v | v>>8) & 0x0000ffff0000ffff
	return uint32(v | v>>16), ok
}
