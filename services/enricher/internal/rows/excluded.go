package rows

import (
	"fmt"

	"github.com/twmb/franz-go/pkg/kgo"

	"touchline.dev/schemas/event"
	"touchline.dev/services/internal/denselog"
)

// stageStore is the stage of rows that ClickHouse refuses.
const stageStore = "store"

// Exclude puts an event whose row in touchpoints ClickHouse refuses among the
// rejected ones, as it came: source is the raw record that r answers, and nil, which
// leaves the bytes out, when the raw log is gone. Of any other record it is Add. It
// implements landing.Excluder.
func (b *Builder) Exclude(r *kgo.Record, at denselog.Position, source *kgo.Record) error {
	e := &b.enriched
	if err := e.Decode(r.Value); err != nil {
		return fmt.Errorf("decode enriched record: %w", err)
	}
	if e.Outcome != event.Stored {
		return b.Add(r, at)
	}
	e.Reason = event.RefusedByStorage
	// The text is the same whoever builds the chunk, and quotes nothing.
	e.Rejection = event.Rejection{Stage: stageStore, Message: "the database refuses the row; the enricher's log says why", ReceiptID: e.Touchpoint.ReceiptID}
	if source != nil {
		if err := e.Rejection.Raw.Decode(source.Value); err != nil {
			return fmt.Errorf("decode raw record: %w", err)
		}
		b.added += len(source.Value)
	}
	b.rejected.add(e, at.Src)
	b.outcomes.count(e.Project, e.ReceivedAt, event.Rejected, e.Reason, at)
	b.grew(len(r.Value))
	return nil
}
