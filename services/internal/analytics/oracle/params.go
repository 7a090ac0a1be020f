package oracle

import (
	"fmt"
	"strconv"
	"strings"
	"time"
)

// projectParam is the key under which a reader finds the name of the stream.
const projectParam = "(project)"

// Params are the parameters of a question in a vector. Reading one removes it, so
// that what is left over was not known.
type Params map[string]string

// NewParams reads words of the form key=value.
func NewParams(words []string) Params {
	p := Params{}
	for _, word := range words {
		key, value, _ := strings.Cut(word, "=")
		p[key] = value
	}
	return p
}

func (p Params) take(key string, read func(string) error) error {
	value, ok := p[key]
	if !ok {
		return fmt.Errorf("want parameter %s", key)
	}
	delete(p, key)
	if err := read(value); err != nil {
		return fmt.Errorf("parameter %s: %w", key, err)
	}
	return nil
}

// Number reads an integer.
func (p Params) Number(key string, into *int64) error {
	return p.take(key, func(s string) (err error) {
		*into, err = strconv.ParseInt(s, 10, 64)
		return err
	})
}

// Int reads an integer.
func (p Params) Int(key string, into *int) error {
	return p.take(key, func(s string) (err error) {
		*into, err = strconv.Atoi(s)
		return err
	})
}

// Time reads a duration since the Monday from which vectors count, into
// milliseconds since 1970.
func (p Params) Time(key string, into *int64) error {
	return p.take(key, func(s string) error {
		after, err := time.ParseDuration(s)
		*into = monday0.Add(after).UnixMilli()
		return err
	})
}

// Text reads a text; "*" is the empty one.
func (p Params) Text(key string, into *string) error {
	return p.take(key, func(s string) error {
		*into = strings.TrimPrefix(s, "*")
		return nil
	})
}

// List reads texts with commas between them; an empty text is the empty list.
func (p Params) List(key string, into *[]string) error {
	return p.take(key, func(s string) error {
		*into = nil
		if s != "" {
			*into = strings.Split(s, ",")
		}
		return nil
	})
}

// Bool reads true or false.
func (p Params) Bool(key string, into *bool) error {
	return p.take(key, func(s string) (err error) {
		*into, err = strconv.ParseBool(s)
		return err
	})
}

// Person reads the name of a person as the id in this stream.
func (p Params) Person(key string, into *uint64) error {
	return p.take(key, func(s string) error {
		*into = PersonID(p[projectParam], s)
		return nil
	})
}
