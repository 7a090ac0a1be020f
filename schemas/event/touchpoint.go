package event

import "google.golang.org/protobuf/encoding/protowire"

// append writes the fields in the order of their numbers, as the official
// encoder does.
func (t *Touchpoint) append(b []byte) []byte {
	b = appendBytes(b, 1, t.EventID[:])
	b = appendString(b, 2, t.MessageID)
	b = appendBytes(b, 3, t.ReceiptID[:])
	b = appendString(b, 4, t.Type)
	b = appendString(b, 5, t.Event)
	b = appendString(b, 6, t.Name)
	b = appendString(b, 7, t.Kind)
	b = appendString(b, 8, t.Channel)
	b = appendString(b, 9, t.Source)
	b = appendString(b, 10, t.Protocol)
	b = appendString(b, 11, t.AnonymousID)
	b = appendString(b, 12, t.UserID)
	b = appendString(b, 13, t.PreviousID)
	b = appendString(b, 14, t.GroupID)
	b = appendString(b, 15, t.GroupType)
	b = appendFixed64(b, 16, t.PersonID)
	b = appendFixed64(b, 17, t.SessionID)
	b = appendInt(b, 18, t.EventTime)
	b = appendInt(b, 19, int64(t.Day))
	if t.HasOriginalTimestamp {
		b = appendTag(b, 20, protowire.VarintType)
		b = protowire.AppendVarint(b, uint64(t.OriginalTimestamp))
	}
	if t.HasSentAt {
		b = appendTag(b, 21, protowire.VarintType)
		b = protowire.AppendVarint(b, uint64(t.SentAt))
	}
	b = appendString(b, 22, string(t.TimeSource))
	b = appendString(b, 23, t.URL)
	b = appendString(b, 24, t.PageTitle)
	b = appendString(b, 25, t.Referrer)
	b = appendString(b, 26, t.AcquisitionChannel)
	b = appendString(b, 27, t.UTMSource)
	b = appendString(b, 28, t.UTMMedium)
	b = appendString(b, 29, t.UTMCampaign)
	b = appendString(b, 30, t.UTMContent)
	b = appendString(b, 31, t.UTMTerm)
	b = appendString(b, 32, t.ClickIDName)
	b = appendString(b, 33, t.ClickID)
	b = appendString(b, 34, t.DeviceType)
	b = appendString(b, 35, t.OS)
	b = appendString(b, 36, t.OSVersion)
	b = appendString(b, 37, t.Browser)
	b = appendString(b, 38, t.BrowserVersion)
	b = appendString(b, 39, t.AppVersion)
	b = appendString(b, 40, t.Locale)
	b = appendString(b, 41, t.Timezone)
	b = appendString(b, 42, t.IP)
	b = appendString(b, 43, t.UserAgent)
	b = appendString(b, 44, t.Library)
	b = appendString(b, 45, t.LibraryVersion)
	if t.IsBot {
		b = appendUint(b, 46, 1)
	}
	for _, r := range t.BotReasons {
		b = appendElement(b, 47, r)
	}
	b = appendString(b, 48, t.Country)
	b = appendString(b, 49, t.Region)
	b = appendString(b, 50, t.City)
	b = appendInt(b, 51, t.RevenueE4)
	b = appendString(b, 52, t.Currency)
	b = appendString(b, 53, t.OrderID)
	b = appendString(b, 54, t.Consent)
	b = appendBytes(b, 55, t.Properties)
	b = appendBytes(b, 56, t.Traits)
	b = appendBytes(b, 57, t.Context)
	b = appendString(b, 58, t.SchemaStatus)
	b = appendInt(b, 59, t.SessionStart)
	b = appendInt(b, 60, t.SessionEnd)
	b = appendFixed64(b, 61, t.LinkedPerson)
	b = appendFixed64(b, 62, t.LinkedPrevious)
	return b
}

func (t *Touchpoint) decode(b []byte) error {
	var f field
	var err error
	for len(b) > 0 {
		if num, data, n := short(b); n > 0 {
			if err = t.setBytes(num, data); err != nil {
				return err
			}
			b = b[n:]
			continue
		}
		if b, err = next(b, &f); err != nil {
			return err
		}
		switch f.typ {
		case protowire.BytesType:
			if err = t.setBytes(f.num, f.data); err != nil {
				return err
			}
		case protowire.VarintType:
			t.setVarint(&f)
		case protowire.Fixed64Type:
			switch f.num {
			case 16:
				t.PersonID = f.v
			case 17:
				t.SessionID = f.v
			case 61:
				t.LinkedPerson = f.v
			case 62:
				t.LinkedPrevious = f.v
			}
		}
	}
	return nil
}

func (t *Touchpoint) setVarint(f *field) {
	switch f.num {
	case 18:
		t.EventTime = int64(f.v)
	case 19:
		t.Day = int32(f.v)
	case 20:
		t.OriginalTimestamp, t.HasOriginalTimestamp = int64(f.v), true
	case 21:
		t.SentAt, t.HasSentAt = int64(f.v), true
	case 46:
		t.IsBot = f.v != 0
	case 51:
		t.RevenueE4 = int64(f.v)
	case 59:
		t.SessionStart = int64(f.v)
	case 60:
		t.SessionEnd = int64(f.v)
	}
}

func (t *Touchpoint) setBytes(num protowire.Number, data []byte) error {
	switch num {
	case 1:
		return setID(&t.EventID, data)
	case 2:
		t.MessageID = alias(data)
	case 3:
		return setID(&t.ReceiptID, data)
	case 4:
		t.Type = alias(data)
	case 5:
		t.Event = alias(data)
	case 6:
		t.Name = alias(data)
	case 7:
		t.Kind = alias(data)
	case 8:
		t.Channel = alias(data)
	case 9:
		t.Source = alias(data)
	case 10:
		t.Protocol = alias(data)
	case 11:
		t.AnonymousID = alias(data)
	case 12:
		t.UserID = alias(data)
	case 13:
		t.PreviousID = alias(data)
	case 14:
		t.GroupID = alias(data)
	case 15:
		t.GroupType = alias(data)
	case 22:
		t.TimeSource = TimeSource(alias(data))
	case 23:
		t.URL = alias(data)
	case 24:
		t.PageTitle = alias(data)
	case 25:
		t.Referrer = alias(data)
	case 26:
		t.AcquisitionChannel = alias(data)
	case 27:
		t.UTMSource = alias(data)
	case 28:
		t.UTMMedium = alias(data)
	case 29:
		t.UTMCampaign = alias(data)
	case 30:
		t.UTMContent = alias(data)
	case 31:
		t.UTMTerm = alias(data)
	case 32:
		t.ClickIDName = alias(data)
	case 33:
		t.ClickID = alias(data)
	case 34:
		t.DeviceType = alias(data)
	case 35:
		t.OS = alias(data)
	case 36:
		t.OSVersion = alias(data)
	case 37:
		t.Browser = alias(data)
	case 38:
		t.BrowserVersion = alias(data)
	case 39:
		t.AppVersion = alias(data)
	case 40:
		t.Locale = alias(data)
	case 41:
		t.Timezone = alias(data)
	case 42:
		t.IP = alias(data)
	case 43:
		t.UserAgent = alias(data)
	case 44:
		t.Library = alias(data)
	case 45:
		t.LibraryVersion = alias(data)
	case 47:
		t.BotReasons = append(t.BotReasons, alias(data))
	case 48:
		t.Country = alias(data)
	case 49:
		t.Region = alias(data)
	case 50:
		t.City = alias(data)
	case 52:
		t.Currency = alias(data)
	case 53:
		t.OrderID = alias(data)
	case 54:
		t.Consent = alias(data)
	case 55:
		t.Properties = data
	case 56:
		t.Traits = data
	case 57:
		t.Context = data
	case 58:
		t.SchemaStatus = alias(data)
	}
	return nil
}
