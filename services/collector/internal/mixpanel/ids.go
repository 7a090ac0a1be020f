package mixpanel

import (
	"bytes"

	"touchline.dev/services/collector/internal/intake"
	"touchline.dev/services/collector/internal/slice"
)

// devicePrefix begins a distinct_id that stands for a device.
const devicePrefix = "$device:"

// Members that are read of an event, and their places.
const (
	eventName = iota
	eventProperties
)

// Members that are read of its properties, and their places in properties.
const (
	propertyToken = iota
	propertyDistinct
	propertyDevice
	propertyUser
	propertyInsertID
	propertyAnonymous
	propertyAlias
	propertyCount
)

func properties() *[propertyCount]string {
	return &[propertyCount]string{
		propertyToken: "token", propertyDistinct: "distinct_id", propertyDevice: "$device_id", propertyUser: "$user_id",
		propertyInsertID: "$insert_id", propertyAnonymous: "$anon_distinct_id", propertyAlias: "alias",
	}
}

// eventIDs returns what an event says about itself, as the enricher reads it.
func eventIDs(b *intake.Batch, _ slice.Value, found []slice.Value) intake.Event {
	if found[eventProperties].Kind != slice.Object {
		return intake.Event{}
	}
	var in [propertyCount]slice.Value
	b.Nested.At(b.Body, found[eventProperties].Start)
	if _, ok := b.Nested.Members(properties()[:], in[:]); !ok {
		return intake.Event{}
	}
	e := whose(b, in[propertyDistinct], in[propertyDevice], in[propertyUser])
	e.Key, e.MessageID = b.Text(in[propertyToken]), b.Text(in[propertyInsertID])
	switch string(b.Text(found[eventName])) {
	case "$identify":
		if id := b.Text(in[propertyAnonymous]); len(id) > 0 {
			e.AnonymousID = bytes.TrimPrefix(id, []byte(devicePrefix))
		}
	case "$create_alias":
		if id := b.Text(in[propertyAlias]); len(id) > 0 {
			e.UserID = id
		}
	}
	return e
}

// whose reads the ids of device and user: distinct_id is one of them, where the
// other members do not say which is which.
func whose(b *intake.Batch, distinctID, deviceID, userID slice.Value) intake.Event {
	e := intake.Event{AnonymousID: b.Text(deviceID), UserID: b.Text(userID)}
	distinct := b.Text(distinctID)
	id, isDevice := bytes.CutPrefix(distinct, []byte(devicePrefix))
	if isDevice && len(e.AnonymousID) == 0 {
		e.AnonymousID = id
	}
	if !isDevice && len(e.UserID) == 0 {
		e.UserID = id
	}
	return e
}

// Members that are read of a change, and their places.
const (
	changeToken = iota
	changeDistinct
	changeDevice
	changeUser
	changeGroupKey
	changeGroupID
)

// changeIDs returns what a change of a person or group says about itself. A group
// stands for the device where nobody is named, as the enricher has it.
func changeIDs(b *intake.Batch, _ slice.Value, found []slice.Value) intake.Event {
	e := whose(b, found[changeDistinct], found[changeDevice], found[changeUser])
	e.Key = b.Text(found[changeToken])
	if b.Endpoint == groups && len(e.AnonymousID) == 0 && len(e.UserID) == 0 {
		key, id := b.Text(found[changeGroupKey]), b.Text(found[changeGroupID])
		from := len(b.Scratch)
		b.Scratch = append(append(append(append(b.Scratch, '$'), key...), '_'), id...)
		e.AnonymousID = b.Scratch[from:len(b.Scratch):len(b.Scratch)]
	}
	return e
}
