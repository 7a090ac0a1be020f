package event

import "google.golang.org/protobuf/encoding/protowire"

// Enriched is the record of topics.Enriched; fields are described in
// enriched.proto.
type Enriched struct {
	Outcome Outcome
	Reason  Reason
	Project string
	// ReceivedAt is in milliseconds since 1970 UTC.
	ReceivedAt        int64
	EnrichmentVersion uint32
	// Touchpoint is meaningful when Outcome is Stored.
	Touchpoint Touchpoint
	// Rejection is meaningful when Outcome is Rejected.
	Rejection Rejection
}

// Rejection keeps an unusable event as it came.
type Rejection struct {
	// Stage is the step that refused it, Field the path of the value at fault.
	Stage, Message, Field string
	Raw                   Raw
	ReceiptID             [16]byte
}

// TimeSource says how EventTime came about.
type TimeSource string

// The ways in which an event time comes about.
const (
	// TimeClient: the SDK's own time, taken as it was.
	TimeClient TimeSource = "client"
	// TimeCorrected: the SDK's time, moved by the skew of the device's clock.
	TimeCorrected TimeSource = "corrected"
	// TimeReceipt: the time of receipt, for want of a usable one.
	TimeReceipt TimeSource = "receipt"
	// TimeClamped: moved to the nearest end of the allowed range.
	TimeClamped TimeSource = "clamped"
)

// Touchpoint is one customer touchpoint in the canonical form; fields are
// described in enriched.proto. Times are milliseconds since 1970 UTC.
type Touchpoint struct {
	EventID                          [16]byte
	MessageID                        string
	ReceiptID                        [16]byte
	Type, Event, Name, Kind, Channel string
	Source, Protocol                 string
	AnonymousID, UserID, PreviousID  string
	GroupID, GroupType               string
	PersonID, SessionID              uint64
	// SessionStart and SessionEnd are 0 on an event that counts for no session's
	// times; SessionEnd is 0 where it is EventTime.
	SessionStart, SessionEnd int64
	// LinkedPerson and LinkedPrevious are persons who turn out to be the user.
	LinkedPerson, LinkedPrevious uint64
	EventTime                    int64
	// Day counts from 1970-01-01 in the project's time zone.
	Day int32
	// OriginalTimestamp and SentAt hold a value only where Has... says so.
	OriginalTimestamp, SentAt       int64
	HasOriginalTimestamp, HasSentAt bool
	TimeSource                      TimeSource
	URL, PageTitle, Referrer        string
	AcquisitionChannel              string
	UTMSource, UTMMedium            string
	UTMCampaign, UTMContent         string
	UTMTerm, ClickIDName, ClickID   string
	DeviceType, OS, OSVersion       string
	Browser, BrowserVersion         string
	AppVersion, Locale, Timezone    string
	IP, UserAgent                   string
	Library, LibraryVersion         string
	IsBot                           bool
	BotReasons                      []string
	Country, Region, City           string
	// RevenueE4 is an amount in 1/10000 of Currency.
	RevenueE4         int64
	Currency, OrderID string
	// Consent is the purposes granted, sorted, joined by commas.
	Consent string
	// Properties, Traits and Context are JSON text as the SDK wrote it.
	Properties, Traits, Context []byte
	SchemaStatus                string
}

// Append appends the wire form of e to b.
func (e *Enriched) Append(b []byte) []byte {
	b = appendString(b, 1, string(e.Outcome))
	b = appendString(b, 2, string(e.Reason))
	b = appendString(b, 3, e.Project)
	b = appendInt(b, 4, e.ReceivedAt)
	b = appendUint(b, 5, uint64(e.EnrichmentVersion))
	switch e.Outcome {
	case Stored:
		b = appendMessage(b, 6, 2, e.Touchpoint.append)
	case Rejected:
		b = appendMessage(b, 7, 2, e.Rejection.append)
	}
	return b
}

// Decode reads the wire form into e, which keeps only the capacity of its
// slices. Strings and slices alias b. Unknown fields are passed over; of a value
// that stands twice the last one counts. The error is ErrTruncated or
// ErrIDLength, and leaves e partly filled.
func (e *Enriched) Decode(b []byte) error {
	reasons, headers := e.Touchpoint.BotReasons[:0], e.Rejection.Raw.Headers[:0]
	*e = Enriched{}
	e.Touchpoint.BotReasons, e.Rejection.Raw.Headers = reasons, headers
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
			e.Outcome = Outcome(alias(data))
		case 2:
			e.Reason = Reason(alias(data))
		case 3:
			e.Project = alias(data)
		case 6:
			err = e.Touchpoint.decode(data)
		case 7:
			err = e.Rejection.decode(data)
		case 0: // not length-delimited
			if f.is(protowire.VarintType) {
				switch f.num {
				case 4:
					e.ReceivedAt = int64(f.v)
				case 5:
					e.EnrichmentVersion = uint32(f.v)
				}
			}
		}
		if err != nil {
			return err
		}
	}
	return nil
}

func (r *Rejection) append(b []byte) []byte {
	b = appendString(b, 1, r.Stage)
	b = appendString(b, 2, r.Message)
	b = appendString(b, 3, r.Field)
	b = appendMessage(b, 4, 2, r.Raw.Append)
	return appendBytes(b, 5, r.ReceiptID[:])
}

func (r *Rejection) decode(b []byte) error {
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
			r.Stage = alias(data)
		case 2:
			r.Message = alias(data)
		case 3:
			r.Field = alias(data)
		case 4:
			err = r.Raw.decode(data)
		case 5:
			err = setID(&r.ReceiptID, data)
		}
		if err != nil {
			return err
		}
	}
	return nil
}
