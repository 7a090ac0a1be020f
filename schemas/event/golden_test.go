package event_test

import (
	"bytes"
	"encoding/hex"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"

	"touchline.dev/schemas/event"
	"touchline.dev/schemas/touchlinepb"
)

// TestFrozenRecords reads records as they were written by the releases before
// this one: NAME.hex holds the bytes, NAME.json what they mean, NAME starts with
// the message. Records in topics outlive releases, so the files never change; a
// new field gets a new file.
func TestFrozenRecords(t *testing.T) {
	files, err := filepath.Glob("../testdata/records/*.hex")
	if err != nil || len(files) < 8 {
		t.Fatalf("found %d files (%v), want 8 or more", len(files), err)
	}
	for _, file := range files {
		name := strings.TrimSuffix(filepath.Base(file), ".hex")
		t.Run(name, func(t *testing.T) {
			text, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			wire, err := hex.DecodeString(strings.ReplaceAll(string(text), "\n", ""))
			if err != nil {
				t.Fatalf("decode hex: %v", err)
			}
			meaning, err := os.ReadFile(strings.TrimSuffix(file, ".hex") + ".json")
			if err != nil {
				t.Fatal(err)
			}
			var want, got proto.Message
			switch message, _, _ := strings.Cut(name, "."); message {
			case "Raw":
				m := &touchlinepb.Raw{}
				want, got = m, &touchlinepb.Raw{}
				unmarshalJSON(t, meaning, m)
				var r event.Raw
				holds(t, wire, &r, rawFromProto(m), r.Decode, r.Append)
			case "Enriched":
				m := &touchlinepb.Enriched{}
				want, got = m, &touchlinepb.Enriched{}
				unmarshalJSON(t, meaning, m)
				var e event.Enriched
				holds(t, wire, &e, enrichedFromProto(m), e.Decode, e.Append)
			case "Fragment":
				want, got = &touchlinepb.Fragment{}, &touchlinepb.Fragment{}
				unmarshalJSON(t, meaning, want)
			case "Profile":
				want, got = &touchlinepb.Profile{}, &touchlinepb.Profile{}
				unmarshalJSON(t, meaning, want)
			default:
				t.Fatalf("no message is named %s", message)
			}
			if err := proto.Unmarshal(wire, got); err != nil || !proto.Equal(got, want) {
				t.Errorf("official reads %v (%v), want %v", got, err, want)
			}
			if b, err := (proto.MarshalOptions{Deterministic: true}).Marshal(want); err != nil || !bytes.Equal(b, wire) {
				t.Errorf("official writes\n%x (%v)\nwant\n%x", b, err, wire)
			}
		})
	}
}

func unmarshalJSON(t *testing.T, text []byte, m proto.Message) {
	t.Helper()
	if err := protojson.Unmarshal(text, m); err != nil {
		t.Fatalf("decode JSON: %v", err)
	}
}

// holds compares what the codec reads from a record, and writes again.
func holds[T any](t *testing.T, wire []byte, got, want *T, decode func([]byte) error, encode func([]byte) []byte) {
	t.Helper()
	if err := decode(wire); err != nil {
		t.Fatalf("decode: %v", err)
	}
	if !reflect.DeepEqual(canonical(got), canonical(want)) {
		t.Errorf("Decode reads\n%+v\nwant\n%+v", got, want)
	}
	if b := encode(nil); !bytes.Equal(b, wire) {
		t.Errorf("Append writes\n%x\nwant\n%x", b, wire)
	}
}

// TestFrozenFields holds the definitions against the list of every field that
// was ever released: none may change its number, name or type, or go away
// without a reservation.
func TestFrozenFields(t *testing.T) {
	text, err := os.ReadFile("../testdata/fields.txt")
	if err != nil {
		t.Fatal(err)
	}
	now, reserved := map[string]bool{}, map[string]protoreflect.FieldRanges{}
	for _, file := range []protoreflect.FileDescriptor{
		touchlinepb.File_touchline_v1_raw_proto, touchlinepb.File_touchline_v1_enriched_proto, touchlinepb.File_touchline_v1_profile_proto,
	} {
		for i := range file.Messages().Len() {
			m := file.Messages().Get(i)
			for k := range m.Fields().Len() {
				now[fieldLine(m.Fields().Get(k))] = true
			}
			reserved[string(m.Name())] = m.ReservedRanges()
		}
	}
	for line := range strings.Lines(string(text)) {
		line = strings.TrimSpace(line)
		if strings.HasPrefix(line, "#") {
			continue
		}
		var message string
		var number protoreflect.FieldNumber
		if _, err := fmt.Sscan(line, &message, &number); err != nil {
			t.Fatalf("read line %q: %v", line, err)
		}
		ranges, ok := reserved[message]
		switch {
		case now[line]:
			delete(now, line)
		case !ok || !ranges.Has(number):
			t.Errorf("released field is gone or changed: %s", line)
		}
	}
	for line := range now {
		t.Errorf("new field is not in testdata/fields.txt: %s", line)
	}
}

func fieldLine(fd protoreflect.FieldDescriptor) string {
	label := ""
	switch {
	case fd.IsMap():
	case fd.IsList():
		label = "repeated "
	case fd.HasOptionalKeyword():
		label = "optional "
	}
	return fmt.Sprintf("%s %d %s %s%s", fd.Parent().Name(), fd.Number(), fd.Name(), label, typeName(fd))
}

func typeName(fd protoreflect.FieldDescriptor) string {
	switch {
	case fd.IsMap():
		return "map<" + typeName(fd.MapKey()) + "," + typeName(fd.MapValue()) + ">"
	case fd.Message() != nil:
		return string(fd.Message().Name())
	}
	return fd.Kind().String()
}
