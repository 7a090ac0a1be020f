// Package collector is the service that SDKs post to. It reads their requests,
// publishes each event as the SDK wrote it to the raw topic, and answers when the
// log has acknowledged them.
//
// It guarantees that a success is never answered before every event of the
// request is durable, that every event it took is in the topic under a key made
// of its own bytes only, so that a retry lands in the same partition, and that
// unusable events are kept with the reason and harm none of their neighbours. It
// keeps no state of its own: any number of collectors run side by side.
package collector
