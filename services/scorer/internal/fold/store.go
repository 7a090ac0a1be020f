package fold

import (
	"bytes"
	"fmt"
	"slices"

	"github.com/twmb/franz-go/pkg/kgo"
	"google.golang.org/protobuf/proto"

	"touchline.dev/schemas/event"
	pb "touchline.dev/schemas/touchlinepb"
	"touchline.dev/services/scorer/internal/fragment"
	"touchline.dev/services/scorer/internal/snapshot"
)

// store holds the fragments of one partition. Most are the bytes of their last
// snapshot; only those that changed since are decoded, because a decoded one takes
// several times the memory.
type store struct {
	folder    *fragment.Folder
	fragments map[string]*entry // by snapshot.Key.Fragment
	// generation is that of the raw log whose events are applied.
	generation uint64
	dirty      []*entry
	bytes      int
	// name is memory for the key that is looked up.
	name []byte
}

// entry is one fragment.
type entry struct {
	key snapshot.Key
	// wire is the fragment as last published; nil before that.
	wire []byte
	// live is the fragment with events that wire does not have; nil when it has
	// all of them.
	live *pb.Fragment
	// stamp is that of live where there is one; its offset is -1 when nothing was
	// applied.
	stamp snapshot.Stamp
	// dirty says that the fragment stands in store.dirty.
	dirty bool
	// older are the epochs of other writers' snapshots of the fragment.
	older []uint64
}

func newStore(folder *fragment.Folder, generation uint64) *store {
	return &store{folder: folder, fragments: make(map[string]*entry), generation: generation}
}

func (s *store) len() int { return len(s.fragments) }

// entryBytes is what an entry takes besides its snapshot and its key: struct, map
// slot and slice headers.
const entryBytes = 200

// apply folds an event under its partition key, unless the fragment has it. Either way the fragment is
// published next time: that it has the event in one topic does not say that it
// has it in the other.
func (s *store) apply(project string, key []byte, t *event.Touchpoint, src int64) (applied bool, err error) {
	s.name = snapshot.AppendFragment(s.name[:0], project, t.PersonID, key)
	e, ok := s.fragments[string(s.name)]
	if !ok {
		e = s.add(snapshot.Key{Person: snapshot.PersonKey(project, t.PersonID), Device: snapshot.Device(key)})
	}
	if !e.dirty {
		e.dirty = true
		s.dirty = append(s.dirty, e)
	}
	stamp := snapshot.Stamp{Generation: s.generation, Src: src}
	if !e.stamp.Before(stamp) {
		return false, nil
	}
	if e.live == nil {
		if e.live, err = e.decode(project, t.PersonID); err != nil {
			return false, err
		}
	}
	if e.stamp.Generation != stamp.Generation {
		// Offsets begin anew; the higher one of the earlier log must not stay.
		e.live.Src = 0
	}
	s.folder.Apply(e.live, t, src)
	e.stamp = stamp
	return true, nil
}

// add makes an empty entry; its key and that of the map are two texts.
func (s *store) add(key snapshot.Key) *entry {
	e := &entry{key: key, stamp: snapshot.Stamp{Src: -1}}
	s.fragments[key.Fragment()] = e
	s.bytes += entryBytes + 2*(len(key.Person)+len(key.Device))
	return e
}

func (e *entry) decode(project string, person uint64) (*pb.Fragment, error) {
	if e.wire == nil {
		return fragment.Empty(project, person, e.key.Device), nil
	}
	f := &pb.Fragment{}
	if err := proto.Unmarshal(e.wire, f); err != nil {
		return nil, fmt.Errorf("decode fragment: %w", err)
	}
	return f, nil
}

// snapshot returns the entry's bytes and lets go of the decoded form.
func (s *store) snapshot(e *entry) ([]byte, error) {
	if e.live == nil {
		return e.wire, nil
	}
	wire, err := (proto.MarshalOptions{Deterministic: true}).Marshal(e.live)
	if err != nil {
		return nil, fmt.Errorf("encode fragment: %w", err)
	}
	s.bytes += len(wire) - len(e.wire)
	e.wire, e.live = wire, nil
	return wire, nil
}

// restore takes in one record of the fragments topic.
func (s *store) restore(r *kgo.Record) error {
	key, err := snapshot.ParseKey(r.Key)
	if err != nil {
		return err
	}
	e := s.fragments[key.Fragment()]
	if len(r.Value) == 0 {
		if e != nil {
			e.forget(key.Epoch)
		}
		return nil
	}
	src, err := snapshot.Src(r.Value)
	if err != nil {
		return err
	}
	if e == nil {
		e = s.add(snapshot.Key{Person: key.Person, Device: key.Device})
	}
	e.forget(key.Epoch)
	e.older = append(e.older, key.Epoch)
	if stamp := key.Stamp(src); e.stamp.Before(stamp) {
		s.bytes += len(r.Value) - len(e.wire)
		e.wire, e.stamp = bytes.Clone(r.Value), stamp
	}
	return nil
}

// forget takes an epoch out of the list of older ones.
func (e *entry) forget(epoch uint64) {
	e.older = slices.DeleteFunc(e.older, func(older uint64) bool { return older == epoch })
}

// restored ends restoring by the writer of an epoch. Snapshots of higher epochs
// were read by one that has been replaced; they are not its to remove.
func (s *store) restored(epoch uint64) {
	for _, e := range s.fragments {
		e.older = slices.DeleteFunc(e.older, func(older uint64) bool { return older >= epoch })
	}
}
