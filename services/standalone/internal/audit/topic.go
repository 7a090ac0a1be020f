package audit

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"

	"github.com/google/uuid"
	"github.com/segmentio/kafka-go/protocol"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// topic is what a broker says about a topic.
type topic struct {
	id         string
	partitions []int
}

// errNoTopic says that a topic does not exist.
var errNoTopic = errors.New("the topic does not exist; create the topics with: touchline topics apply")

// describeTopics asks a broker for topics with their ids. kafka-go's own Metadata
// request is of a version that knows no ids, and is answered from a cache; so this
// one writes itself to the connection, in the form that package kmsg gives it.
type describeTopics struct{ names []string }

// metadataVersion is the first one with topic ids; brokers know it since 2.8.
const metadataVersion = 10

// maxMetadata bounds the answer: 12 partitions take about 500 bytes.
const maxMetadata = 16 << 20

// ApiKey implements protocol.Message.
func (describeTopics) ApiKey() protocol.ApiKey { return protocol.Metadata } //nolint:staticcheck // the interface spells it so

// Required implements protocol.RawExchanger.
func (describeTopics) Required(map[protocol.ApiKey]int16) bool { return true }

// RawExchange implements protocol.RawExchanger; its answer is topicsDescribed.
func (d describeTopics) RawExchange(rw io.ReadWriter) (protocol.Message, error) {
	req := kmsg.NewPtrMetadataRequest()
	req.SetVersion(metadataVersion)
	for _, name := range d.names {
		t := kmsg.NewMetadataRequestTopic()
		t.Topic = new(name)
		req.Topics = append(req.Topics, t)
	}
	if _, err := rw.Write(kmsg.NewRequestFormatter(kmsg.FormatterClientID("touchline-audit")).AppendRequest(nil, req, 0)); err != nil {
		return nil, err
	}
	var size [4]byte
	if _, err := io.ReadFull(rw, size[:]); err != nil {
		return nil, err
	}
	// The answer begins with the request's number and an empty list of tags.
	const header = 5
	n := binary.BigEndian.Uint32(size[:])
	if n < header || n > maxMetadata {
		return nil, fmt.Errorf("answer of %d bytes", n)
	}
	body := make([]byte, n)
	if _, err := io.ReadFull(rw, body); err != nil {
		return nil, err
	}
	resp := kmsg.NewPtrMetadataResponse()
	resp.SetVersion(metadataVersion)
	if err := resp.ReadFrom(body[header:]); err != nil {
		return nil, err
	}
	found := topicsDescribed{}
	for _, t := range resp.Topics {
		if t.Topic == nil || t.ErrorCode != 0 {
			continue
		}
		d := topic{id: uuid.UUID(t.TopicID).String()}
		for _, p := range t.Partitions {
			d.partitions = append(d.partitions, int(p.Partition))
		}
		found[*t.Topic] = d
	}
	return found, nil
}

// topicsDescribed are the topics that exist, by name.
type topicsDescribed map[string]topic

// ApiKey implements protocol.Message.
func (topicsDescribed) ApiKey() protocol.ApiKey { return protocol.Metadata } //nolint:staticcheck // the interface spells it so

var _ protocol.RawExchanger = describeTopics{}
