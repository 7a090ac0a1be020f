package event_test

import (
	"bytes"
	"errors"
	"math"
	"reflect"
	"strings"
	"testing"
	"unicode/utf8"

	"google.golang.org/protobuf/encoding/protowire"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
	"pgregory.net/rapid"

	"touchline.dev/schemas/event"
	"touchline.dev/schemas/touchlinepb"
)

// draw fills v with anything its type can hold; strings are UTF-8.
func draw(t *rapid.T, v reflect.Value) {
	switch v.Kind() {
	case reflect.Struct:
		for _, field := range v.Fields() {
			draw(t, field)
		}
	case reflect.String:
		v.SetString(rapid.OneOf(
			rapid.Just(""), rapid.String(), rapid.SampledFrom([]string{"a", "ünï\U0001F600", "\x00", "\uFFFD", "</script>"}),
			// Around 128 bytes, and 16,384 below, a length takes one byte more.
			rapid.Map(rapid.IntRange(125, 130), func(n int) string { return strings.Repeat("x", n) }),
		).Draw(t, "string"))
	case reflect.Bool:
		v.SetBool(rapid.Bool().Draw(t, "bool"))
	case reflect.Int32, reflect.Int64:
		least := int64(math.MinInt64) >> (64 - v.Type().Bits())
		v.SetInt(rapid.OneOf(rapid.Just(int64(0)), rapid.Int64Range(least, -least-1), rapid.SampledFrom([]int64{-1, 1, least, -least - 1})).Draw(t, "int"))
	case reflect.Uint32, reflect.Uint64:
		most := uint64(math.MaxUint64) >> (64 - v.Type().Bits())
		v.SetUint(rapid.OneOf(rapid.Just(uint64(0)), rapid.Uint64Range(0, most), rapid.Just(most)).Draw(t, "uint"))
	case reflect.Array:
		if rapid.Bool().Draw(t, "zero id") {
			return
		}
		reflect.Copy(v, reflect.ValueOf(rapid.SliceOfN(rapid.Byte(), 16, 16).Draw(t, "id")))
	case reflect.Slice:
		if v.Type().Elem().Kind() == reflect.Uint8 {
			v.SetBytes(rapid.OneOf(rapid.SliceOf(rapid.Byte()), rapid.Just([]byte(nil)),
				rapid.Map(rapid.IntRange(16_300, 16_400), func(n int) []byte { return bytes.Repeat([]byte("y"), n) })).Draw(t, "bytes"))
			return
		}
		v.Set(reflect.MakeSlice(v.Type(), rapid.IntRange(0, 3).Draw(t, "len"), 3))
		for i := range v.Len() {
			draw(t, v.Index(i))
		}
	}
}

func drawRaw(t *rapid.T) *event.Raw {
	r := &event.Raw{}
	draw(t, reflect.ValueOf(r).Elem())
	return canonical(r)
}

// drawEnriched draws a record that can be: absent optionals have no value, and
// only the part that belongs to the outcome is filled.
func drawEnriched(t *rapid.T) *event.Enriched {
	e := &event.Enriched{}
	draw(t, reflect.ValueOf(e).Elem())
	e.Outcome = rapid.SampledFrom(append(event.Outcomes(), "", "of the future")).Draw(t, "outcome")
	if !e.Touchpoint.HasOriginalTimestamp {
		e.Touchpoint.OriginalTimestamp = 0
	}
	if !e.Touchpoint.HasSentAt {
		e.Touchpoint.SentAt = 0
	}
	if e.Outcome != event.Stored {
		e.Touchpoint = event.Touchpoint{}
	}
	if e.Outcome != event.Rejected {
		e.Rejection = event.Rejection{}
	}
	return canonical(e)
}

func TestRaw_equalsOfficial(t *testing.T) {
	var reused event.Raw
	rapid.Check(t, func(t *rapid.T) {
		r := drawRaw(t)
		equalsOfficial(t, r, rawToProto(r), &touchlinepb.Raw{}, (*event.Raw).Append, func(b []byte) (*event.Raw, error) {
			err := reused.Decode(b)
			return canonical(&reused), err
		})
	})
}

func TestEnriched_equalsOfficial(t *testing.T) {
	var reused event.Enriched
	rapid.Check(t, func(t *rapid.T) {
		e := drawEnriched(t)
		equalsOfficial(t, e, enrichedToProto(e), &touchlinepb.Enriched{}, (*event.Enriched).Append, func(b []byte) (*event.Enriched, error) {
			err := reused.Decode(b)
			return canonical(&reused), err
		})
	})
}

// equalsOfficial holds one value against the official library in both
// directions, and against damage and additions.
func equalsOfficial[T any](t *rapid.T, v *T, m, empty proto.Message, encode func(*T, []byte) []byte, decode func([]byte) (*T, error)) {
	official, err := proto.MarshalOptions{Deterministic: true}.Marshal(m)
	if err != nil {
		t.Fatalf("official marshal: %v", err)
	}
	prefix := rapid.SampledFrom([]string{"", "prefix"}).Draw(t, "prefix")
	ours, ok := bytes.CutPrefix(encode(v, []byte(prefix)), []byte(prefix))
	if !ok || !bytes.Equal(ours, official) {
		t.Fatalf("Append wrote\n%x\nofficial\n%x", ours, official)
	}
	if err := proto.Unmarshal(ours, empty); err != nil || !proto.Equal(empty, m) {
		t.Fatalf("official reads %v (%v), want %v", empty, err, m)
	}
	if got, err := decode(official); err != nil || !reflect.DeepEqual(got, v) {
		t.Fatalf("Decode read\n%+v (%v)\nwant\n%+v", got, err, v)
	}

	// Fields of a newer release, on every level.
	addUnknown(t, m.ProtoReflect())
	newer, err := proto.Marshal(m)
	if err != nil {
		t.Fatalf("official marshal with unknown fields: %v", err)
	}
	if got, err := decode(newer); err != nil || !reflect.DeepEqual(got, v) {
		t.Fatalf("with unknown fields Decode read\n%+v (%v)\nwant\n%+v", got, err, v)
	}

	cut := official[:rapid.IntRange(0, len(official)).Draw(t, "cut")]
	_, err = decode(cut)
	if refused := proto.Unmarshal(cut, empty) != nil; refused != (err != nil) || refused && !errors.Is(err, event.ErrTruncated) {
		t.Fatalf("Decode of %x, cut off: %v; official refuses: %v", cut, err, refused)
	}
}

// addUnknown adds fields that no definition has to m and the messages in it.
func addUnknown(t *rapid.T, m protoreflect.Message) {
	m.Range(func(fd protoreflect.FieldDescriptor, v protoreflect.Value) bool {
		switch {
		case fd.Message() == nil:
		case fd.IsList():
			for i := range v.List().Len() {
				addUnknown(t, v.List().Get(i).Message())
			}
		default:
			addUnknown(t, v.Message())
		}
		return true
	})
	var b []byte
	num := protowire.Number(rapid.IntRange(1000, int(protowire.MaxValidNumber)).Draw(t, "number"))
	if rapid.Bool().Draw(t, "varint") {
		b = protowire.AppendVarint(protowire.AppendTag(b, num, protowire.VarintType), math.MaxUint64)
	}
	if rapid.Bool().Draw(t, "fixed32") {
		b = protowire.AppendFixed32(protowire.AppendTag(b, num, protowire.Fixed32Type), 1)
	}
	if rapid.Bool().Draw(t, "fixed64") {
		b = protowire.AppendFixed64(protowire.AppendTag(b, num, protowire.Fixed64Type), 1)
	}
	if rapid.Bool().Draw(t, "bytes") {
		b = protowire.AppendString(protowire.AppendTag(b, num, protowire.BytesType), "new")
	}
	if rapid.Bool().Draw(t, "group") {
		b = protowire.AppendTag(b, num, protowire.StartGroupType)
		b = protowire.AppendVarint(protowire.AppendTag(b, 1, protowire.VarintType), 1)
		b = protowire.AppendTag(b, num, protowire.EndGroupType)
	}
	m.SetUnknown(b)
}

// TestEveryFieldTravels sets one field at a time, in every message, and looks
// for its number on the wire and for its value on the other side: a field that
// the definitions have and the codec forgot cannot pass, nor can a Go field
// without a definition.
func TestEveryFieldTravels(t *testing.T) {
	raw := &touchlinepb.Raw{}
	eachField(t, raw.ProtoReflect().Descriptor(), reflect.TypeFor[event.Raw](), func(set *touchlinepb.Raw) []byte {
		return rawFromProto(set).Append(nil)
	})
	eachField(t, raw.ProtoReflect().Descriptor().Fields().ByName("headers").Message(), reflect.TypeFor[event.Header](), func(set *touchlinepb.Header) []byte {
		r := rawFromProto(&touchlinepb.Raw{Headers: []*touchlinepb.Header{set}})
		return inner(t, r.Append(nil), 9)
	})
	enriched := (&touchlinepb.Enriched{}).ProtoReflect().Descriptor()
	eachField(t, enriched, reflect.TypeFor[event.Enriched](), func(set *touchlinepb.Enriched) []byte {
		if set.Touchpoint != nil {
			set.Outcome = string(event.Stored)
		}
		if set.Rejection != nil {
			set.Outcome = string(event.Rejected)
		}
		return enrichedFromProto(set).Append(nil)
	})
	eachField(t, enriched.Fields().ByName("touchpoint").Message(), reflect.TypeFor[event.Touchpoint](), func(set *touchlinepb.Touchpoint) []byte {
		e := enrichedFromProto(&touchlinepb.Enriched{Outcome: string(event.Stored), Touchpoint: set})
		return inner(t, e.Append(nil), 6)
	})
	eachField(t, enriched.Fields().ByName("rejection").Message(), reflect.TypeFor[event.Rejection](), func(set *touchlinepb.Rejection) []byte {
		e := enrichedFromProto(&touchlinepb.Enriched{Outcome: string(event.Rejected), Rejection: set})
		return inner(t, e.Append(nil), 7)
	})
}

// eachField calls encode with messages that have one field set each.
func eachField[M proto.Message](t *testing.T, d protoreflect.MessageDescriptor, goType reflect.Type, encode func(M) []byte) {
	var zero M
	fields, presence := d.Fields(), 0
	for i := range fields.Len() {
		fd := fields.Get(i)
		m := zero.ProtoReflect().New()
		switch {
		case fd.IsList() && fd.Message() != nil:
			m.Mutable(fd).List().AppendMutable()
		case fd.IsList():
			m.Mutable(fd).List().Append(protoreflect.ValueOfString("x"))
		case fd.Message() != nil:
			m.Set(fd, m.NewField(fd))
		default:
			m.Set(fd, sample(fd.Kind()))
		}
		if fd.HasPresence() && fd.Message() == nil {
			presence++
		}
		wire := encode(m.Interface().(M))
		got := zero.ProtoReflect().New().Interface()
		if err := proto.Unmarshal(wire, got); err != nil {
			t.Errorf("%s: official reads %v", fd.FullName(), err)
		}
		if r := got.ProtoReflect(); !r.Has(fd) || fd.Message() == nil && !fd.IsList() && !r.Get(fd).Equal(m.Get(fd)) {
			t.Errorf("%s (%d) is lost on the way", fd.FullName(), fd.Number())
		}
		if len(got.ProtoReflect().GetUnknown()) > 0 {
			t.Errorf("%s: the codec wrote fields that the definitions lack", fd.FullName())
		}
	}
	if n := goType.NumField(); n != fields.Len()+presence {
		t.Errorf("%v has %d fields, want one for each of %d in the definition and %d for presence", goType, n, fields.Len(), presence)
	}
}

func sample(kind protoreflect.Kind) protoreflect.Value {
	switch kind {
	case protoreflect.StringKind:
		return protoreflect.ValueOfString("x")
	case protoreflect.BoolKind:
		return protoreflect.ValueOfBool(true)
	case protoreflect.Int32Kind:
		return protoreflect.ValueOfInt32(-7)
	case protoreflect.Int64Kind:
		return protoreflect.ValueOfInt64(-7)
	case protoreflect.Uint32Kind:
		return protoreflect.ValueOfUint32(7)
	case protoreflect.Uint64Kind, protoreflect.Fixed64Kind:
		return protoreflect.ValueOfUint64(7)
	}
	return protoreflect.ValueOfBytes([]byte("0123456789abcdef"))
}

// inner returns the content of the message field num of a record.
func inner(t *testing.T, b []byte, num protowire.Number) []byte {
	for len(b) > 0 {
		got, typ, n := protowire.ConsumeTag(b)
		if n < 0 {
			t.Fatalf("no tag in %x", b)
		}
		b = b[n:]
		if got == num {
			content, n := protowire.ConsumeBytes(b)
			if n < 0 {
				t.Fatalf("no message in %x", b)
			}
			return content
		}
		b = b[protowire.ConsumeFieldValue(got, typ, b):]
	}
	t.Fatalf("no field %d", num)
	return nil
}

// TestInvalidUTF8: official writers and readers refuse strings that are not
// UTF-8. Append replaces them, so that everybody can read what it writes;
// Decode takes them as they are, for it must not lose a record over them.
func TestInvalidUTF8(t *testing.T) {
	const broken, fixed = "a\xff\xfe\xc3b\xed\xa0\x80", "a\uFFFDb\uFFFD"
	r := event.Raw{UserAgent: broken, Headers: []event.Header{{Name: broken, Value: broken}}, RejectReason: broken, Event: []byte(broken)}
	var m touchlinepb.Raw
	if err := proto.Unmarshal(r.Append(nil), &m); err != nil {
		t.Fatalf("official reads %v", err)
	}
	if m.UserAgent != fixed || m.Headers[0].Name != fixed || m.Headers[0].Value != fixed || m.RejectReason != fixed || string(m.Event) != broken {
		t.Errorf("written as %q", &m)
	}
	e := event.Enriched{Outcome: event.Stored, Touchpoint: event.Touchpoint{URL: broken, BotReasons: []string{broken, ""}}}
	var p touchlinepb.Enriched
	if err := proto.Unmarshal(e.Append(nil), &p); err != nil {
		t.Fatalf("official reads %v", err)
	}
	if p.Touchpoint.Url != fixed || p.Touchpoint.BotReasons[0] != fixed || len(p.Touchpoint.BotReasons) != 2 {
		t.Errorf("written as %q", &p)
	}

	wire := protowire.AppendString(protowire.AppendTag(nil, 8, protowire.BytesType), broken)
	if err := proto.Unmarshal(wire, &m); err == nil || utf8.ValidString(broken) {
		t.Fatal("the official library takes a string that is not UTF-8")
	}
	if err := r.Decode(wire); err != nil || r.UserAgent != broken {
		t.Errorf("Decode = %v, %q; want the bytes as they are", err, r.UserAgent)
	}
}

func TestDecode_refuses(t *testing.T) {
	field := func(num protowire.Number, content []byte) []byte {
		return protowire.AppendBytes(protowire.AppendTag(nil, num, protowire.BytesType), content)
	}
	tests := []struct {
		name string
		wire []byte
		want error
	}{
		{"short event id", field(6, field(1, []byte("short"))), event.ErrIDLength},
		{"long receipt id", field(6, field(3, make([]byte, 17))), event.ErrIDLength},
		{"empty receipt id", field(7, field(5, nil)), event.ErrIDLength},
		{"field number 0", []byte{0x02, 0x00}, event.ErrTruncated},
		{"end of no group", []byte{0x0c}, event.ErrTruncated},
		{"wire type 7", []byte{0x0f, 0x00}, event.ErrTruncated},
		{"length beyond the end", []byte{0x0a, 0x05, 'a'}, event.ErrTruncated},
		{"huge length", []byte{0x0a, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x7f}, event.ErrTruncated},
		{"endless varint", bytes.Repeat([]byte{0xff}, 20), event.ErrTruncated},
		{"groups without end", bytes.Repeat([]byte{0x0b}, 100_000), event.ErrTruncated},
		{"damage in a header of a rejection's raw record", field(7, field(4, field(9, []byte{0x0a, 0x05}))), event.ErrTruncated},
	}
	for _, tt := range tests {
		var e event.Enriched
		if err := e.Decode(tt.wire); !errors.Is(err, tt.want) {
			t.Errorf("%s: %v, want %v", tt.name, err, tt.want)
		}
	}
}

func TestRaw_Header(t *testing.T) {
	r := event.Raw{Headers: []event.Header{{"dnt", "1"}, {"accept-language", "de"}}}
	if r.Header("accept-language") != "de" || r.Header("dnt") != "1" || r.Header("cookie") != "" {
		t.Errorf("headers read wrongly from %v", r.Headers)
	}
}

func TestKey(t *testing.T) {
	key := func(project, device, user, hash, receipt string) string {
		return string(event.Key([]byte("kept "), project, []byte(device), []byte(user), []byte(hash), []byte(receipt)))
	}
	for _, tt := range []struct{ got, want string }{
		{key("shop", "a", "u", "m", "r"), "kept shop/d/a"},
		{key("shop", "", "u", "m", "r"), "kept shop/u/u"},
		{key("shop", "", "", "m", "r"), "kept shop/m/m"},
		{key("shop", "", "", "", "r"), "kept shop/r/r"},
	} {
		if tt.got != tt.want {
			t.Errorf("Key = %q, want %q", tt.got, tt.want)
		}
	}
}
