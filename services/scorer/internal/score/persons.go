package score

import (
	"bytes"
	"fmt"
	"slices"
	"strings"

	"github.com/twmb/franz-go/pkg/kgo"
	"google.golang.org/protobuf/proto"

	pb "touchline.dev/schemas/touchlinepb"
	"touchline.dev/services/scorer/internal/snapshot"
)

// persons holds the fragments of one partition's persons, as the bytes of their
// snapshots: a decoded one takes several times the memory, and is needed only
// when its person is scored.
type persons struct {
	byKey     map[string]*person
	fragments int
	bytes     int
}

// person is the set of its fragments, sorted by device.
type person struct {
	key       string
	fragments []held
}

// held is the latest snapshot of one fragment.
type held struct {
	device string
	stamp  snapshot.Stamp
	wire   []byte
}

func newPersons() *persons { return &persons{byKey: make(map[string]*person)} }

func (p *persons) len() int { return len(p.byKey) }

// Memory of a person and of a fragment besides keys and snapshots: structs, map
// slots and slice headers.
const (
	personBytes   = 120
	fragmentBytes = 64
)

// take takes in one record of the persons topic and returns whom it says
// something new about: nobody when an equal or later snapshot is known. A removed
// key says nothing, because the snapshot that replaced it stands before it.
func (p *persons) take(r *kgo.Record) (*person, error) {
	if len(r.Value) == 0 {
		return nil, nil
	}
	key, err := snapshot.ParseKey(r.Key)
	if err != nil {
		return nil, err
	}
	src, err := snapshot.Src(r.Value)
	if err != nil {
		return nil, err
	}
	who, ok := p.byKey[key.Person]
	if !ok {
		who = &person{key: key.Person}
		p.byKey[key.Person] = who
		p.bytes += personBytes + len(key.Person)
	}
	stamp := key.Stamp(src)
	i, found := slices.BinarySearchFunc(who.fragments, key.Device, func(h held, device string) int { return strings.Compare(h.device, device) })
	switch {
	case !found:
		who.fragments = slices.Insert(who.fragments, i, held{device: strings.Clone(key.Device)})
		p.fragments++
		p.bytes += fragmentBytes + len(key.Device)
	case !who.fragments[i].stamp.Before(stamp):
		return nil, nil
	}
	p.bytes += len(r.Value) - len(who.fragments[i].wire)
	who.fragments[i].stamp, who.fragments[i].wire = stamp, bytes.Clone(r.Value)
	return who, nil
}

// decode returns the person's fragments.
func (p *person) decode() ([]*pb.Fragment, error) {
	fragments := make([]*pb.Fragment, len(p.fragments))
	for i, h := range p.fragments {
		fragments[i] = &pb.Fragment{}
		if err := proto.Unmarshal(h.wire, fragments[i]); err != nil {
			return nil, fmt.Errorf("decode fragment of %s: %w", p.key, err)
		}
	}
	return fragments, nil
}
