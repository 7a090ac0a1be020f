package event

import "google.golang.org/protobuf/encoding/protowire"

// Raw is the record of topics.Raw; fields are described in raw.proto.
type Raw struct {
	Project, Protocol, Endpoint, Source string
	// ReceivedAt is in milliseconds since 1970 UTC.
	ReceivedAt int64
	// SentAt is the request's sent time as the SDK wrote it.
	SentAt, ClientIP, UserAgent string
	Headers                     []Header
	// Context is the JSON object the request gives for all its events.
	Context []byte
	// Index is the position of the event in its request, from 0.
	Index uint32
	// Event is the bytes the SDK wrote.
	Event []byte
	// RejectReason is set when the collector found the event unusable.
	RejectReason  Reason
	RejectMessage string
	// OriginalBytes is the length of the event before it was cut; 0 when whole.
	OriginalBytes uint64
}

// Header is one request header, its name in lower case.
type Header struct{ Name, Value string }

// Header returns the value of the header with that lower-case name, or "".
func (r *Raw) Header(name string) string {
	for i := range r.Headers {
		if r.Headers[i].Name == name {
			return r.Headers[i].Value
		}
	}
	return ""
}

// Append appends the wire form of r to b.
func (r *Raw) Append(b []byte) []byte {
	b = appendString(b, 1, r.Project)
	b = appendString(b, 2, r.Protocol)
	b = appendString(b, 3, r.Endpoint)
	b = appendString(b, 4, r.Source)
	b = appendInt(b, 5, r.ReceivedAt)
	b = appendString(b, 6, r.SentAt)
	b = appendString(b, 7, r.ClientIP)
	b = appendString(b, 8, r.UserAgent)
	for i := range r.Headers {
		b = appendMessage(b, 9, 1, r.Headers[i].append)
	}
	b = appendBytes(b, 10, r.Context)
	b = appendUint(b, 11, uint64(r.Index))
	b = appendBytes(b, 12, r.Event)
	b = appendString(b, 13, string(r.RejectReason))
	b = appendString(b, 14, r.RejectMessage)
	return appendUint(b, 15, r.OriginalBytes)
}

func (h *Header) append(b []byte) []byte {
	b = appendString(b, 1, h.Name)
	return appendString(b, 2, h.Value)
}

// Decode reads the wire form into r, which keeps only the capacity of its
// slices. Strings and slices alias b. Unknown fields are passed over; of a value
// that stands twice the last one counts. The error is ErrTruncated, and leaves r
// partly filled.
func (r *Raw) Decode(b []byte) error {
	headers := r.Headers[:0]
	*r = Raw{}
	r.Headers = headers
	return r.decode(b)
}

// decode reads the wire form over what r holds already.
func (r *Raw) decode(b []byte) error {
	var f field
	var err error
	for len(b) > 0 {
		if num, data, n := short(b); n > 0 {
			if err = r.setBytes(num, data); err != nil {
				return err
			}
			b = b[n:]
			continue
		}
		if b, err = next(b, &f); err != nil {
			return err
		}
		switch {
		case f.is(protowire.BytesType):
			if err = r.setBytes(f.num, f.data); err != nil {
				return err
			}
		case f.is(protowire.VarintType):
			switch f.num {
			case 5:
				r.ReceivedAt = int64(f.v)
			case 11:
				r.Index = uint32(f.v)
			case 15:
				r.OriginalBytes = f.v
			}
		}
	}
	return nil
}

func (r *Raw) setBytes(num protowire.Number, data []byte) error {
	switch num {
	case 1:
		r.Project = alias(data)
	case 2:
		r.Protocol = alias(data)
	case 3:
		r.Endpoint = alias(data)
	case 4:
		r.Source = alias(data)
	case 6:
		r.SentAt = alias(data)
	case 7:
		r.ClientIP = alias(data)
	case 8:
		r.UserAgent = alias(data)
	case 9:
		r.Headers = append(r.Headers, Header{})
		return r.Headers[len(r.Headers)-1].decode(data)
	case 10:
		r.Context = data
	case 12:
		r.Event = data
	case 13:
		r.RejectReason = Reason(alias(data))
	case 14:
		r.RejectMessage = alias(data)
	}
	return nil
}

func (h *Header) decode(b []byte) error {
	var f field
	var err error
	for len(b) > 0 {
		num, data, n := short(b)
		if n > 0 {
			b = b[n:]
		} else if b, err = next(b, &f); err != nil {
			return err
		} else if f.is(protowire.BytesType) {
			num, data = f.num, f.data
		}
		switch num {
		case 1:
			h.Name = alias(data)
		case 2:
			h.Value = alias(data)
		}
	}
	return nil
}

// Key returns the partition key of an event, made only of bytes that the event
// itself carries, so that a retry lands in the same partition: its device, else
// its user, else its message hash, else its receipt id. The project comes first,
// so no two projects share a key.
func Key(b []byte, project string, anonymousID, userID, messageHash, receipt []byte) []byte {
	b = append(b, project...)
	switch {
	case len(anonymousID) > 0:
		return append(append(b, "/d/"...), anonymousID...)
	case len(userID) > 0:
		return append(append(b, "/u/"...), userID...)
	case len(messageHash) > 0:
		return append(append(b, "/m/"...), messageHash...)
	}
	return append(append(b, "/r/"...), receipt...)
}
