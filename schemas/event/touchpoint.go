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
	return b
}

func (t *Touchpoint) decode(b []byte) error {
	var f field
	var err error
	for len(b) > 0 {
		if b, err = next(b, &f); err != nil {
			return err
		}
		switch f.typ {
		case protowire.BytesType:
			if err := t.setBytes(&f); err != nil {
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
	}
}

func (t *Touchpoint) setBytes(f *field) error {
	switch f.num {
	case 1:
		return f.id(&t.EventID)
	case 2:
		t.MessageID = f.text()
	case 3:
		return f.id(&t.ReceiptID)
	case 4:
		t.Type = f.text()
	case 5:
		t.Event = f.text()
	case 6:
		t.Name = f.text()
	case 7:
		t.Kind = f.text()
	case 8:
		t.Channel = f.text()
	case 9:
		t.Source = f.text()
	case 10:
		t.Protocol = f.text()
	case 11:
		t.AnonymousID = f.text()
	case 12:
		t.UserID = f.text()
	case 13:
		t.PreviousID = f.text()
	case 14:
		t.GroupID = f.text()
	case 15:
		t.GroupType = f.text()
	case 22:
		t.TimeSource = TimeSource(f.text())
	case 23:
		t.URL = f.text()
	case 24:
		t.PageTitle = f.text()
	case 25:
		t.Referrer = f.text()
	case 26:
		t.AcquisitionChannel = f.text()
	case 27:
		t.UTMSource = f.text()
	case 28:
		t.UTMMedium = f.text()
	case 29:
		t.UTMCampaign = f.text()
	case 30:
		t.UTMContent = f.text()
	case 31:
		t.UTMTerm = f.text()
	case 32:
		t.ClickIDName = f.text()
	case 33:
		t.ClickID = f.text()
	case 34:
		t.DeviceType = f.text()
	case 35:
		t.OS = f.text()
	case 36:
		t.OSVersion = f.text()
	case 37:
		t.Browser = f.text()
	case 38:
		t.BrowserVersion = f.text()
	case 39:
		t.AppVersion = f.text()
	case 40:
		t.Locale = f.text()
	case 41:
		t.Timezone = f.text()
	case 42:
		t.IP = f.text()
	case 43:
		t.UserAgent = f.text()
	case 44:
		t.Library = f.text()
	case 45:
		t.LibraryVersion = f.text()
	case 47:
		t.BotReasons = append(t.BotReasons, f.text())
	case 48:
		t.Country = f.text()
	case 49:
		t.Region = f.text()
	case 50:
		t.City = f.text()
	case 52:
		t.Currency = f.text()
	case 53:
		t.OrderID = f.text()
	case 54:
		t.Consent = f.text()
	case 55:
		t.Properties = f.data
	case 56:
		t.Traits = f.data
	case 57:
		t.Context = f.data
	case 58:
		t.SchemaStatus = f.text()
	}
	return nil
}
