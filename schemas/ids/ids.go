// Package ids computes the identifiers that Touchline makes itself: keyed 64-bit
// ids of persons and sessions, message hashes, event ids and receipt ids.
//
// Persons and sessions are SipHash-2-4 under an installation secret, so that a
// client who knows the algorithm still cannot aim at a collision with another
// person. Losing the secret changes every future id: back it up.
package ids

import (
	"crypto/rand"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"strings"

	"github.com/dchest/siphash"
	"github.com/google/uuid"
)

// Secret is the installation secret: the 128-bit key of person and session ids.
// It is never printed, logged or marshalled; only Hex returns it. The zero
// Secret holds no key and panics when an id is asked of it.
type Secret struct {
	// Pointers, because package fmt prints the unexported fields of a struct
	// that it cannot call methods on. Of a pointer to a number it prints the
	// address under every verb; one to an array it follows.
	k0, k1 *uint64
}

// NewSecret draws a secret from the system's random source.
func NewSecret() (Secret, error) {
	var b [16]byte
	if _, err := rand.Read(b[:]); err != nil {
		return Secret{}, fmt.Errorf("draw installation secret: %w", err)
	}
	return fromBytes(b), nil
}

// ParseSecret reads the 32 hex digits that Secret.Hex writes; surrounding white
// space is ignored.
func ParseSecret(s string) (Secret, error) {
	s = strings.TrimSpace(s)
	if len(s) != 32 {
		return Secret{}, fmt.Errorf("parse installation secret: want 32 hex digits, got %d characters", len(s))
	}
	b, err := hex.DecodeString(s)
	if err != nil { // its text shows a part of the secret
		return Secret{}, errors.New("parse installation secret: want 32 hex digits, got other characters")
	}
	return fromBytes([16]byte(b)), nil
}

func fromBytes(b [16]byte) Secret {
	k0, k1 := binary.LittleEndian.Uint64(b[:8]), binary.LittleEndian.Uint64(b[8:])
	return Secret{&k0, &k1}
}

// Hex returns the secret as 32 hex digits, for the file that keeps it.
func (s Secret) Hex() string {
	var b [16]byte
	binary.LittleEndian.PutUint64(b[:8], *s.k0)
	binary.LittleEndian.PutUint64(b[8:], *s.k1)
	return hex.EncodeToString(b[:])
}

// String hides the secret from logs.
func (s Secret) String() string { return "***" }

// GoString hides the secret from logs.
func (s Secret) GoString() string { return "ids.Secret(***)" }

// MarshalText hides the secret from JSON, YAML and logs.
func (s Secret) MarshalText() ([]byte, error) { return []byte(s.String()), nil }

// The kinds of things an id is made for. The kind is hashed with the id, so a
// device and a user of the same name are different persons.
const (
	kindDevice  = 'd'
	kindUser    = 'u'
	kindSession = 's'
	kindVisitor = 'v'
	kindVisit   = 't'
)

// Device returns the person id of a device nobody has identified yet. It is
// never 0.
func (s Secret) Device(project, anonymousID string) uint64 {
	return s.hash(project, kindDevice, "", anonymousID)
}

// User returns the person id of a user. It is never 0.
func (s Secret) User(project, userID string) uint64 {
	return s.hash(project, kindUser, "", userID)
}

// Session returns the id of a session that the SDK named itself. SDKs number
// sessions per device, so the device is part of it. It is never 0.
func (s Secret) Session(project, device, session string) uint64 {
	return s.hash(project, kindSession, device, session)
}

// SessionOf returns the id of a session that no SDK named: that of a device, or of
// a user who has none, by the person id that it gives them and the time of the
// session's first event. It is never 0.
func (s Secret) SessionOf(project string, person uint64, start int64) uint64 {
	var b [16]byte
	binary.LittleEndian.PutUint64(b[:8], person)
	binary.LittleEndian.PutUint64(b[8:], uint64(start))
	return s.hash(project, kindVisit, "", string(b[:]))
}

// Visitor returns the id of a visitor of a site who was given none, by a text of
// what is known of him. With the day as part of that text, nobody without the
// secret can tell that two ids of different days are one visitor's; whoever has
// the secret and knows the rest can. It is never 0.
func (s Secret) Visitor(project, site, trace string) uint64 {
	return s.hash(project, kindVisitor, site, trace)
}

// hash is SipHash-2-4 of project, 0, kind, 0, length of scope as a varint,
// scope, id. Projects hold no NUL (see package projects), so the parts cannot be
// shifted against each other.
func (s Secret) hash(project string, kind byte, scope, id string) uint64 {
	var stack [256]byte
	b := append(stack[:0], project...)
	b = append(b, 0, kind, 0)
	b = binary.AppendUvarint(b, uint64(len(scope)))
	b = append(b, scope...)
	b = append(b, id...)
	return someID(siphash.Hash(*s.k0, *s.k1, b))
}

// someID keeps 0 free: it means "none" in the tables.
func someID(h uint64) uint64 {
	if h == 0 {
		return 1
	}
	return h
}

// MessageHash identifies an SDK's message within its project: the first 128 bits
// of SHA-256 over project, 0, message id. It needs no secret: whoever can choose
// the id of a message can repeat it just as well.
func MessageHash(project string, messageID []byte) [16]byte {
	var stack [256]byte
	b := append(stack[:0], project...)
	b = append(b, 0)
	b = append(b, messageID...)
	sum := sha256.Sum256(b)
	return [16]byte(sum[:16])
}

// EventID returns the id of an event's row: the SDK's message id when that is a
// UUID in its usual form of 36 lower-case characters, else a UUIDv8 made of the
// message hash, else (no message id) the receipt id. sdk is true when the
// message id itself was used: the text of id is then the message id. A UUID
// in upper case is another message id than the same in lower case, so it gets an
// id of its own.
//
// hash is MessageHash of the two where the caller has it already, else nil: what
// it saves is a SHA-256.
func EventID(project, messageID string, hash []byte, receipt [16]byte) (id [16]byte, sdk bool) {
	if messageID == "" {
		return receipt, false
	}
	if id, sdk = parseUUID(messageID); sdk {
		return id, true
	}
	if len(hash) == len(id) {
		id = [16]byte(hash)
	} else {
		id = MessageHash(project, []byte(messageID))
	}
	id[6] = id[6]&0x0f | 0x80
	id[8] = id[8]&0x3f | 0x80
	return id, false
}

// NewReceipt returns a new receipt id: a UUIDv7, so that receipts sort by time.
func NewReceipt() ([16]byte, error) {
	u, err := uuid.NewV7()
	if err != nil {
		return [16]byte{}, fmt.Errorf("make receipt id: %w", err)
	}
	return u, nil
}

// PersonText returns a person or session id as 16 upper-case hex digits, the form
// that analytics views show; 0, which is no id, gives the empty string.
func PersonText(id uint64) string {
	if id == 0 {
		return ""
	}
	return fmt.Sprintf("%016X", id)
}
