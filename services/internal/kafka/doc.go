// Package kafka is the only place where the data path meets Kafka. It builds
// franz-go clients with the settings that Touchline's promises rest on, runs
// consumer groups with one worker per partition (Group), commits offsets with
// metadata under an ownership check (Partition.Commit), and creates and checks
// the declared topics (Apply, Check).
//
// It reads and writes whatever topics its caller names and knows nothing of
// events. It guarantees that an offset is committed only by the member that owns
// the partition, and never resets an offset by itself.
package kafka
