package rows

import (
	"github.com/ClickHouse/ch-go/proto"

	schema "touchline.dev/schemas/clickhouse"
	"touchline.dev/schemas/touchlinepb"
	"touchline.dev/services/internal/clickhouse"
)

// profiles builds the block of table profiles.
type profiles struct {
	clickhouse.Columns
	project, country, stage, firstChannel, currency   *proto.ColLowCardinality[string]
	personID, version, events, orders                 *proto.ColUInt64
	asOf, stageSince, firstSeen, lastSeen             *proto.ColDateTime64
	userID, email, name, company, role, firstCampaign *proto.ColStr
	revenue                                           *clickhouse.MoneyColumn
}

func newProfiles() *profiles {
	b := &profiles{Columns: clickhouse.NewColumns(schema.Profiles())}
	c := &b.Columns
	b.project = c.Low("project")
	b.personID = c.UInt64("person_id")
	b.version = c.UInt64("version")
	b.asOf = c.Time("as_of")
	b.userID = c.Str("user_id")
	b.email = c.Str("email")
	b.name = c.Str("name")
	b.company = c.Str("company")
	b.role = c.Str("role")
	b.country = c.Low("country")
	b.stage = c.Low("stage")
	b.stageSince = c.Time("stage_since")
	b.firstChannel = c.Low("first_channel")
	b.firstCampaign = c.Str("first_campaign")
	b.firstSeen = c.Time("first_seen")
	b.lastSeen = c.Time("last_seen")
	b.events = c.UInt64("events")
	b.orders = c.UInt64("orders")
	b.revenue = c.Money("revenue")
	b.currency = c.Low("currency")
	c.Complete()
	return b
}

func (b *profiles) add(p *touchlinepb.Profile) {
	b.project.Append(p.Project)
	b.personID.Append(p.PersonId)
	b.version.Append(p.Version)
	b.asOf.AppendRaw(clickhouse.Millis(p.AsOfMs))
	b.userID.Append(p.UserId)
	b.email.Append(p.Email)
	b.name.Append(p.Name)
	b.company.Append(p.Company)
	b.role.Append(p.Role)
	b.country.Append(p.Country)
	b.stage.Append(p.Stage)
	b.stageSince.AppendRaw(clickhouse.Millis(p.StageSinceMs))
	b.firstChannel.Append(p.FirstChannel)
	b.firstCampaign.Append(p.FirstCampaign)
	b.firstSeen.AppendRaw(clickhouse.Millis(p.FirstSeenMs))
	b.lastSeen.AppendRaw(clickhouse.Millis(p.LastSeenMs))
	b.events.Append(p.Events)
	b.orders.Append(p.Orders)
	b.revenue.Append(clickhouse.E4(p.RevenueE4))
	b.currency.Append(p.Currency)
}

// scores builds the block of table scores.
type scores struct {
	clickhouse.Columns
	project, model, grade *proto.ColLowCardinality[string]
	personID, version     *proto.ColUInt64
	asOf                  *proto.ColDateTime64
	modelVersion          *proto.ColUInt32
	score                 *proto.ColFloat64
	features              *proto.ColArr[string]
	contributions         *proto.ColArr[float64]

	names  []string
	points []float64
}

func newScores() *scores {
	b := &scores{Columns: clickhouse.NewColumns(schema.Scores())}
	c := &b.Columns
	b.project = c.Low("project")
	b.model = c.Low("model")
	b.personID = c.UInt64("person_id")
	b.version = c.UInt64("version")
	b.asOf = c.Time("as_of")
	b.modelVersion = clickhouse.AddColumn(c, "model_version", new(proto.ColUInt32))
	b.score = clickhouse.AddColumn(c, "score", new(proto.ColFloat64))
	b.grade = c.Low("grade")
	b.features = c.Lows("reason_features")
	b.contributions = clickhouse.AddColumn(c, "reason_contributions", new(proto.ColFloat64).Array())
	c.Complete()
	return b
}

func (b *scores) add(p *touchlinepb.Profile, s *touchlinepb.Score) {
	b.names, b.points = b.names[:0], b.points[:0]
	for _, r := range s.Reasons {
		b.names = append(b.names, r.Feature)
		b.points = append(b.points, r.Contribution)
	}
	b.project.Append(p.Project)
	b.model.Append(s.Model)
	b.personID.Append(p.PersonId)
	b.version.Append(p.Version)
	b.asOf.AppendRaw(clickhouse.Millis(p.AsOfMs))
	b.modelVersion.Append(s.ModelVersion)
	b.score.Append(s.Score)
	b.grade.Append(s.Grade)
	b.features.Append(b.names)
	b.contributions.Append(b.points)
}
