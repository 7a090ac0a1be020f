package standalone

import (
	"bufio"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/google/uuid"
	"github.com/twmb/franz-go/pkg/kgo"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"

	"touchline.dev/schemas/topics"
	"touchline.dev/schemas/touchlinepb"
	"touchline.dev/services/internal/config"
)

type tailSettings struct {
	Dir     string   `yaml:"dir" doc:"Directory of a running touchline up, whose broker is used."`
	Brokers []string `yaml:"brokers" doc:"Kafka brokers to start from, host:port; instead of dir."`
	From    string   `yaml:"from" doc:"Where to begin: start, end, or a time such as 2026-01-31T08:00:00Z or 10m (ago)."`
	Limit   int      `yaml:"limit" doc:"Stop after so many records; 0 goes on."`
	Follow  bool     `yaml:"follow" doc:"Wait for further records at the end instead of stopping."`
}

// tailable are the topics by their short names, with the message in their values.
func tailable() map[string]struct {
	topic   string
	message func() proto.Message
} {
	type t = struct {
		topic   string
		message func() proto.Message
	}
	return map[string]t{
		"raw":       {topics.Raw, func() proto.Message { return new(touchlinepb.Raw) }},
		"enriched":  {topics.Enriched, func() proto.Message { return new(touchlinepb.Enriched) }},
		"fragments": {topics.Fragments, func() proto.Message { return new(touchlinepb.Fragment) }},
		"persons":   {topics.Persons, func() proto.Message { return new(touchlinepb.Fragment) }},
		"scores":    {topics.Scores, func() proto.Message { return new(touchlinepb.Profile) }},
	}
}

// tail prints the records of a topic, one JSON object a line.
func tail(c *call) error {
	const want = "want touchline tail raw|enriched|fragments|persons|scores [FLAGS]"
	if len(c.args) == 0 {
		c.code = config.ExitBadConfig
		return errors.New(want)
	}
	name := c.args[0]
	s := tailSettings{From: "start"}
	if !strings.HasPrefix(name, "-") {
		c.args = c.args[1:]
	}
	if done, err := c.load("touchline-tail", &s); done || err != nil {
		return err
	}
	target, ok := tailable()[name]
	if !ok {
		for short, t := range tailable() {
			if t.topic == name {
				target, ok = tailable()[short], true
			}
		}
	}
	if !ok {
		c.code = config.ExitBadConfig
		return errors.New(want)
	}
	cl, err := where{s.Dir, s.Brokers}.client(c.ctx, "touchline-tail", kgo.FetchMaxWait(time.Second))
	if err != nil {
		return err
	}
	defer cl.Close()
	todo, err := spanOf(c.ctx, cl, target.topic, s.From)
	if err != nil {
		return err
	}
	cl.AddConsumePartitions(map[string]map[int32]kgo.Offset{target.topic: todo.partitions(s.Follow)})
	return printRecords(c, cl, todo, s, target.message)
}

// printRecords prints until the span is read, the limit reached, or, following,
// the call ended.
func printRecords(c *call, cl *kgo.Client, todo span, s tailSettings, message func() proto.Message) error {
	out := bufio.NewWriter(c.stdout)
	for n := 0; s.Follow || !todo.empty(); {
		fetches := cl.PollFetches(c.ctx)
		if c.ctx.Err() != nil {
			break
		}
		for _, e := range fetches.Errors() {
			return errors.Join(fmt.Errorf("read %s: %w", e.Topic, e.Err), out.Flush())
		}
		for it := fetches.RecordIter(); !it.Done(); {
			r := it.Next()
			line, err := recordJSON(r, message())
			if err != nil {
				return errors.Join(err, out.Flush())
			}
			_, _ = out.Write(append(line, '\n')) // Flush reports the error
			todo.passed(r)
			if n++; s.Limit > 0 && n >= s.Limit {
				return out.Flush()
			}
		}
		if err := out.Flush(); err != nil {
			return err
		}
	}
	return out.Flush()
}

// recordJSON renders a record with its headers; ids as text, JSON as JSON.
func recordJSON(r *kgo.Record, m proto.Message) ([]byte, error) {
	headers := make(map[string]any, len(r.Headers))
	for _, h := range r.Headers {
		headers[h.Key] = bytesValue(h.Key, h.Value)
	}
	record := map[string]any{
		"partition": r.Partition, "offset": r.Offset, "timestamp": r.Timestamp.UTC().Format("2006-01-02T15:04:05.000Z"),
		"key": bytesValue("key", r.Key), "headers": headers, "value": nil,
	}
	if len(r.Value) > 0 {
		if err := proto.Unmarshal(r.Value, m); err != nil {
			return nil, fmt.Errorf("decode %s partition %d offset %d: %w", r.Topic, r.Partition, r.Offset, err)
		}
		record["value"] = messageValue(m.ProtoReflect())
	}
	return json.Marshal(record)
}

func messageValue(m protoreflect.Message) map[string]any {
	fields := make(map[string]any)
	m.Range(func(f protoreflect.FieldDescriptor, v protoreflect.Value) bool {
		name := string(f.Name())
		switch {
		case f.IsMap():
			entries := make(map[string]any)
			v.Map().Range(func(k protoreflect.MapKey, e protoreflect.Value) bool {
				entries[k.String()] = fieldValue(f.MapValue(), e)
				return true
			})
			fields[name] = entries
		case f.IsList():
			items := make([]any, v.List().Len())
			for i := range items {
				items[i] = fieldValue(f, v.List().Get(i))
			}
			fields[name] = items
		default:
			fields[name] = fieldValue(f, v)
		}
		return true
	})
	return fields
}

func fieldValue(f protoreflect.FieldDescriptor, v protoreflect.Value) any {
	name := string(f.Name())
	switch {
	case f.Kind() == protoreflect.MessageKind:
		return messageValue(v.Message())
	case f.Kind() == protoreflect.BytesKind:
		return bytesValue(name, v.Bytes())
	case f.Kind() == protoreflect.Fixed64Kind:
		return fmt.Sprintf("%016X", v.Uint())
	case strings.HasSuffix(name, "_ms"):
		return time.UnixMilli(v.Int()).UTC().Format("2006-01-02T15:04:05.000Z")
	}
	return v.Interface()
}

// bytesValue shows bytes as what they are: an id, JSON, text, or base64.
func bytesValue(name string, b []byte) any {
	if len(b) == 16 && (name == topics.RID || strings.HasSuffix(name, "_id")) {
		return uuid.UUID(b).String()
	}
	if name != "key" && len(b) > 0 && (b[0] == '{' || b[0] == '[') && json.Valid(b) {
		return json.RawMessage(b)
	}
	if utf8.Valid(b) && !strings.ContainsFunc(string(b), func(r rune) bool { return r < ' ' && r != '\n' && r != '\t' }) {
		return string(b)
	}
	return base64.StdEncoding.EncodeToString(b)
}
