package snapshot_test

import (
	"testing"

	"google.golang.org/protobuf/proto"
	"pgregory.net/rapid"

	"touchline.dev/schemas/event"
	pb "touchline.dev/schemas/touchlinepb"
	"touchline.dev/services/scorer/internal/snapshot"
)

// The key that is looked up is the one under which the fragment stands.
func TestAppendFragment(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		project, person := rapid.StringMatching(`[a-z]{1,8}`).Draw(t, "project"), rapid.Uint64().Draw(t, "person")
		device := event.Key(nil, project, rapid.SliceOf(rapid.Byte()).Draw(t, "device"), nil, nil, nil)
		want := snapshot.Key{Person: snapshot.PersonKey(project, person), Device: snapshot.Device(device)}.Fragment()
		if got := snapshot.AppendFragment([]byte("x"), project, person, device); string(got) != "x"+want {
			t.Fatalf("%q, want %q", got, want)
		}
	})
}

func TestSrc(t *testing.T) {
	for _, f := range []*pb.Fragment{
		{}, {Src: 7}, {Project: "shop", PersonId: 7, Device: "shop/d/a", Src: 1 << 60, EventCounts: map[string]uint64{"a": 1}, ActiveDays: []int32{1, 2}},
	} {
		wire, err := proto.Marshal(f)
		if err != nil {
			t.Fatal(err)
		}
		if src, err := snapshot.Src(wire); err != nil || src != f.Src {
			t.Errorf("%v: %d (%v)", f, src, err)
		}
	}
}

// FuzzSrc holds it against the whole decoder: what that reads has the same offset.
func FuzzSrc(f *testing.F) {
	wire, err := proto.Marshal(&pb.Fragment{Project: "shop", PersonId: 7, Src: 300, Traits: map[string]*pb.Trait{"email": {Value: "x"}}})
	if err != nil {
		f.Fatal(err)
	}
	f.Add(wire)
	f.Add([]byte{0x20, 0x05, 0x20, 0x06})
	f.Add([]byte{0x20})
	f.Fuzz(func(t *testing.T, wire []byte) {
		src, err := snapshot.Src(wire)
		var whole pb.Fragment
		if proto.Unmarshal(wire, &whole) != nil {
			return
		}
		if err != nil || src != whole.Src {
			t.Errorf("%d (%v), decoded %d", src, err, whole.Src)
		}
	})
}
