package event_test

import (
	"fmt"
	"reflect"
	"strings"

	"google.golang.org/protobuf/reflect/protoreflect"

	"touchline.dev/schemas/event"
	"touchline.dev/schemas/touchlinepb"
)

// The two forms of a message are matched by the names of their fields alone, so
// that no list of fields in a test can repeat a mistake of the codec.

// goName is the form in which names are compared: event_time_ms and EventTime
// are both eventtime. Units stand in the names of definitions only.
func goName(fd protoreflect.FieldDescriptor) string {
	return strings.ReplaceAll(strings.TrimSuffix(string(fd.Name()), "_ms"), "_", "")
}

// goField returns the Go field of a definition's field.
func goField(v reflect.Value, name string) reflect.Value {
	return v.FieldByNameFunc(func(field string) bool { return strings.EqualFold(field, name) })
}

// fromProto sets the Go struct v from m.
func fromProto(m protoreflect.Message, v reflect.Value) {
	fields := m.Descriptor().Fields()
	for i := range fields.Len() {
		fd := fields.Get(i)
		field := goField(v, goName(fd))
		if !field.IsValid() {
			panic(fmt.Sprintf("%s has no Go field", fd.FullName()))
		}
		value := m.Get(fd)
		switch {
		case fd.IsList() && fd.Message() != nil:
			for i := range value.List().Len() {
				element := reflect.New(field.Type().Elem()).Elem()
				fromProto(value.List().Get(i).Message(), element)
				field.Set(reflect.Append(field, element))
			}
		case fd.IsList():
			for i := range value.List().Len() {
				field.Set(reflect.Append(field, reflect.ValueOf(value.List().Get(i).String())))
			}
		case fd.Message() != nil:
			if m.Has(fd) {
				fromProto(value.Message(), field)
			}
		default:
			if fd.HasPresence() {
				goField(v, "has"+goName(fd)).SetBool(m.Has(fd))
			}
			setScalar(field, value)
		}
	}
}

func setScalar(field reflect.Value, value protoreflect.Value) {
	switch field.Kind() {
	case reflect.String:
		field.SetString(value.String())
	case reflect.Bool:
		field.SetBool(value.Bool())
	case reflect.Int32, reflect.Int64:
		field.SetInt(value.Int())
	case reflect.Uint32, reflect.Uint64:
		field.SetUint(value.Uint())
	case reflect.Array:
		if len(value.Bytes()) > 0 {
			field.Set(reflect.ValueOf([16]byte(value.Bytes())))
		}
	case reflect.Slice:
		if len(value.Bytes()) > 0 {
			field.SetBytes(value.Bytes())
		}
	default:
		panic(fmt.Sprintf("no definition has a %s", field.Kind()))
	}
}

// toProto sets m from the Go struct v.
func toProto(v reflect.Value, m protoreflect.Message) {
	fields := m.Descriptor().Fields()
	for i := range fields.Len() {
		fd := fields.Get(i)
		field := goField(v, goName(fd))
		if !field.IsValid() {
			panic(fmt.Sprintf("%s has no Go field", fd.FullName()))
		}
		switch {
		case fd.IsList():
			list := m.Mutable(fd).List()
			for i := range field.Len() {
				if fd.Message() != nil {
					toProto(field.Index(i), list.AppendMutable().Message())
				} else {
					list.Append(protoreflect.ValueOfString(field.Index(i).String()))
				}
			}
		case fd.Message() != nil:
			toProto(field, m.Mutable(fd).Message())
		case fd.HasPresence() && !goField(v, "has"+goName(fd)).Bool():
		default:
			m.Set(fd, scalar(field, fd.Kind()))
		}
	}
}

func scalar(field reflect.Value, kind protoreflect.Kind) protoreflect.Value {
	switch kind {
	case protoreflect.StringKind:
		return protoreflect.ValueOfString(field.String())
	case protoreflect.BoolKind:
		return protoreflect.ValueOfBool(field.Bool())
	case protoreflect.Int32Kind:
		return protoreflect.ValueOfInt32(int32(field.Int()))
	case protoreflect.Int64Kind:
		return protoreflect.ValueOfInt64(field.Int())
	case protoreflect.Uint32Kind:
		return protoreflect.ValueOfUint32(uint32(field.Uint()))
	case protoreflect.Uint64Kind, protoreflect.Fixed64Kind:
		return protoreflect.ValueOfUint64(field.Uint())
	case protoreflect.BytesKind:
		if field.Kind() == reflect.Array {
			id := field.Interface().([16]byte)
			return protoreflect.ValueOfBytes(id[:])
		}
		return protoreflect.ValueOfBytes(field.Bytes())
	}
	panic(fmt.Sprintf("no definition has a %s", kind))
}

func rawToProto(r *event.Raw) *touchlinepb.Raw {
	m := &touchlinepb.Raw{}
	toProto(reflect.ValueOf(r).Elem(), m.ProtoReflect())
	return m
}

func rawFromProto(m *touchlinepb.Raw) *event.Raw {
	r := &event.Raw{}
	fromProto(m.ProtoReflect(), reflect.ValueOf(r).Elem())
	return r
}

// enrichedToProto leaves out the part that the outcome leaves out.
func enrichedToProto(e *event.Enriched) *touchlinepb.Enriched {
	m := &touchlinepb.Enriched{}
	toProto(reflect.ValueOf(e).Elem(), m.ProtoReflect())
	if e.Outcome != event.Stored {
		m.Touchpoint = nil
	}
	if e.Outcome != event.Rejected {
		m.Rejection = nil
	}
	return m
}

func enrichedFromProto(m *touchlinepb.Enriched) *event.Enriched {
	e := &event.Enriched{}
	fromProto(m.ProtoReflect(), reflect.ValueOf(e).Elem())
	return e
}

// canonical makes empty slices nil: the codec keeps capacity, the test does not
// care.
func canonical[T any](v *T) *T {
	c := *v
	clean(reflect.ValueOf(&c).Elem())
	return &c
}

func clean(v reflect.Value) {
	switch v.Kind() {
	case reflect.Struct:
		for _, field := range v.Fields() {
			clean(field)
		}
	case reflect.Slice:
		if v.Len() == 0 {
			v.SetZero()
		}
	}
}
