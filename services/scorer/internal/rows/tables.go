package rows

import (
	"github.com/ClickHouse/ch-go/proto"

	schema "touchline.dev/schemas/clickhouse"
	"touchline.dev/schemas/touchlinepb"
)

// profiles builds the block of table profiles.
type profiles struct {
	columns
	project, country, stage, firstChannel, currency   *proto.ColLowCardinality[string]
	personID, version, events, orders                 *proto.ColUInt64
	asOf, stageSince, firstSeen, lastSeen             *proto.ColDateTime64
	userID, email, name, company, role, firstCampaign *proto.ColStr
	revenue                                           *decimalColumn
}

func newProfiles() *profiles {
	b := &profiles{columns: columns{table: schema.Profiles()}}
	c := &b.columns
	b.project = c.low("project")
	b.personID = c.uint64("person_id")
	b.version = c.uint64("version")
	b.asOf = c.time("as_of")
	b.userID = c.str("user_id")
	b.email = c.str("email")
	b.name = c.str("name")
	b.company = c.str("company")
	b.role = c.str("role")
	b.country = c.low("country")
	b.stage = c.low("stage")
	b.stageSince = c.time("stage_since")
	b.firstChannel = c.low("first_channel")
	b.firstCampaign = c.str("first_campaign")
	b.firstSeen = c.time("first_seen")
	b.lastSeen = c.time("last_seen")
	b.events = c.uint64("events")
	b.orders = c.uint64("orders")
	b.revenue = add(c, "revenue", new(decimalColumn))
	b.currency = c.low("currency")
	c.complete()
	return b
}

func (b *profiles) add(p *touchlinepb.Profile) {
	b.project.Append(p.Project)
	b.personID.Append(p.PersonId)
	b.version.Append(p.Version)
	b.asOf.AppendRaw(millis(p.AsOfMs))
	b.userID.Append(p.UserId)
	b.email.Append(p.Email)
	b.name.Append(p.Name)
	b.company.Append(p.Company)
	b.role.Append(p.Role)
	b.country.Append(p.Country)
	b.stage.Append(p.Stage)
	b.stageSince.AppendRaw(millis(p.StageSinceMs))
	b.firstChannel.Append(p.FirstChannel)
	b.firstCampaign.Append(p.FirstCampaign)
	b.firstSeen.AppendRaw(millis(p.FirstSeenMs))
	b.lastSeen.AppendRaw(millis(p.LastSeenMs))
	b.events.Append(p.Events)
	b.orders.Append(p.Orders)
	b.revenue.Append(money(p.RevenueE4))
	b.currency.Append(p.Currency)
}

// scores builds the block of table scores.
type scores struct {
	columns
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
	b := &scores{columns: columns{table: schema.Scores()}}
	c := &b.columns
	b.project = c.low("project")
	b.model = c.low("model")
	b.personID = c.uint64("person_id")
	b.version = c.uint64("version")
	b.asOf = c.time("as_of")
	b.modelVersion = add(c, "model_version", new(proto.ColUInt32))
	b.score = add(c, "score", new(proto.ColFloat64))
	b.grade = c.low("grade")
	b.features = add(c, "reason_features", new(proto.ColStr).LowCardinality().Array())
	b.contributions = add(c, "reason_contributions", new(proto.ColFloat64).Array())
	c.complete()
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
	b.asOf.AppendRaw(millis(p.AsOfMs))
	b.modelVersion.Append(s.ModelVersion)
	b.score.Append(s.Score)
	b.grade.Append(s.Grade)
	b.features.Append(b.names)
	b.contributions.Append(b.points)
}
