package config

import (
	"encoding"
	"errors"
	"fmt"
	"math"
	"reflect"
	"strconv"
	"strings"
	"time"
)

// day is the one unit this package adds to Go's durations. It is 24 hours, not
// a calendar day.
const day = 24 * time.Hour

// set parses text, as given by a variable or a flag, into the key.
func (k *key) set(text string) error {
	if isScalar(k.value.Type()) {
		return parseScalar(text, k.value)
	}
	list := reflect.MakeSlice(k.value.Type(), 0, 0)
	if text != "" {
		for part := range strings.SplitSeq(text, ",") {
			element := reflect.New(k.value.Type().Elem()).Elem()
			if err := parseScalar(strings.TrimSpace(part), element); err != nil {
				return err
			}
			list = reflect.Append(list, element)
		}
	}
	k.value.Set(list)
	return nil
}

func (k *key) setFromFile(file string) error {
	secret, err := readSecret(file)
	if err != nil {
		return err
	}
	k.value.Set(reflect.ValueOf(secret))
	return nil
}

// parseScalar parses text into v, which keeps its value on an error. Only the
// text of values that cannot be secret is quoted in errors.
func parseScalar(text string, v reflect.Value) error {
	switch {
	case v.Type() == secretType:
		if text == redacted {
			return errors.New("want a secret, got its redacted form " + redacted)
		}
		v.Set(reflect.ValueOf(NewSecret(text)))
		return nil
	case v.Type() == durationType:
		d, err := parseDuration(text)
		if err != nil {
			return err
		}
		v.SetInt(int64(d))
		return nil
	case isLeaf(v.Type()):
		parsed := reflect.New(v.Type())
		if err := parsed.Interface().(encoding.TextUnmarshaler).UnmarshalText([]byte(text)); err != nil {
			return err
		}
		v.Set(parsed.Elem())
		return nil
	}
	wrong := fmt.Errorf("want %s, got %q", kindName(v.Type()), clip(text))
	switch v.Kind() {
	case reflect.String:
		v.SetString(text)
	case reflect.Bool:
		if text != "true" && text != "false" {
			return wrong
		}
		v.SetBool(text == "true")
	case reflect.Float64:
		f, err := strconv.ParseFloat(text, 64)
		if err != nil || math.IsNaN(f) || math.IsInf(f, 0) {
			return wrong
		}
		v.SetFloat(f)
	case reflect.Uint, reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint64:
		u, err := strconv.ParseUint(text, 10, v.Type().Bits())
		if err != nil {
			return wrong
		}
		v.SetUint(u)
	default:
		i, err := strconv.ParseInt(text, 10, v.Type().Bits())
		if err != nil {
			return wrong
		}
		v.SetInt(i)
	}
	return nil
}

func parseDuration(text string) (time.Duration, error) {
	if days, ok := strings.CutSuffix(text, "d"); ok {
		n, err := strconv.ParseInt(days, 10, 32)
		if err == nil && n <= int64(math.MaxInt64/day) && n >= int64(math.MinInt64/day) {
			return time.Duration(n) * day, nil
		}
	}
	d, err := time.ParseDuration(text)
	if err != nil {
		return 0, fmt.Errorf("want a duration such as 250ms or 7d, got %q", clip(text))
	}
	return d, nil
}

// formatScalar returns the text that parseScalar reads as v; a secret is
// redacted.
func formatScalar(v reflect.Value) string {
	if v.Type() == durationType {
		return formatDuration(time.Duration(v.Int()))
	}
	if m, ok := reflect.TypeAssert[encoding.TextMarshaler](v); ok {
		text, err := m.MarshalText()
		if err != nil {
			return fmt.Sprint(v.Interface())
		}
		return string(text)
	}
	return fmt.Sprint(v.Interface())
}

func formatDuration(d time.Duration) string {
	if d != 0 && d%day == 0 {
		return strconv.FormatInt(int64(d/day), 10) + "d"
	}
	text := d.String()
	if strings.HasSuffix(text, "m0s") {
		text = strings.TrimSuffix(text, "0s")
	}
	if strings.HasSuffix(text, "h0m") {
		text = strings.TrimSuffix(text, "0m")
	}
	return text
}

// kindName names a type in messages and in the reference.
func kindName(t reflect.Type) string {
	switch {
	case t == secretType:
		return "a secret"
	case t == durationType:
		return "a duration"
	case t == reflect.TypeFor[Bytes]():
		return "a size"
	case isLeaf(t):
		return "a text"
	}
	switch t.Kind() {
	case reflect.String:
		return "a text"
	case reflect.Bool:
		return "true or false"
	case reflect.Float64:
		return "a number"
	case reflect.Slice:
		return "a list"
	case reflect.Map, reflect.Struct:
		return "a mapping"
	case reflect.Uint8, reflect.Uint16, reflect.Uint32:
		return fmt.Sprintf("a whole number from 0 to %d", uint64(1)<<t.Bits()-1)
	case reflect.Uint, reflect.Uint64:
		return "a whole number from 0"
	case reflect.Int8, reflect.Int16, reflect.Int32:
		top := int64(1) << (t.Bits() - 1)
		return fmt.Sprintf("a whole number from %d to %d", -top, top-1)
	default:
		return "a whole number"
	}
}
