package rows

import (
	schema "touchline.dev/schemas/clickhouse"
	"touchline.dev/schemas/touchlinepb"
	"touchline.dev/services/internal/clickhouse"
)

// profiles builds the block of table profiles.
type profiles struct {
	clickhouse.Columns
	project, country, stage, firstChannel, currency   *clickhouse.LowColumn
	personID, version, events, orders                 *clickhouse.UInt64Column
	asOf, stageSince, firstSeen, lastSeen             *clickhouse.TimeColumn
	userID, email, name, company, role, firstCampaign *clickhouse.StringColumn
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
	b.asOf.Append(p.AsOfMs)
	b.userID.Append(p.UserId)
	b.email.Append(p.Email)
	b.name.Append(p.Name)
	b.company.Append(p.Company)
	b.role.Append(p.Role)
	b.country.Append(p.Country)
	b.stage.Append(p.Stage)
	b.stageSince.Append(p.StageSinceMs)
	b.firstChannel.Append(p.FirstChannel)
	b.firstCampaign.Append(p.FirstCampaign)
	b.firstSeen.Append(p.FirstSeenMs)
	b.lastSeen.Append(p.LastSeenMs)
	b.events.Append(p.Events)
	b.orders.Append(p.Orders)
	b.revenue.Append(p.RevenueE4)
	b.currency.Append(p.Currency)
}

// scores builds the block of table scores.
type scores struct {
	clickhouse.Columns
	project, model, grade *clickhouse.LowColumn
	personID, version     *clickhouse.UInt64Column
	asOf                  *clickhouse.TimeColumn
	modelVersion          *clickhouse.UInt32Column
	score                 *clickhouse.Float64Column
	features              *clickhouse.ArrayColumn[*clickhouse.LowColumn]
	contributions         *clickhouse.ArrayColumn[*clickhouse.Float64Column]
}

func newScores() *scores {
	b := &scores{Columns: clickhouse.NewColumns(schema.Scores())}
	c := &b.Columns
	b.project = c.Low("project")
	b.model = c.Low("model")
	b.personID = c.UInt64("person_id")
	b.version = c.UInt64("version")
	b.asOf = c.Time("as_of")
	b.modelVersion = c.UInt32("model_version")
	b.score = c.Float64("score")
	b.grade = c.Low("grade")
	b.features = c.Lows("reason_features")
	b.contributions = c.Floats("reason_contributions")
	c.Complete()
	return b
}

func (b *scores) add(p *touchlinepb.Profile, s *touchlinepb.Score) {
	b.project.Append(p.Project)
	b.model.Append(s.Model)
	b.personID.Append(p.PersonId)
	b.version.Append(p.Version)
	b.asOf.Append(p.AsOfMs)
	b.modelVersion.Append(s.ModelVersion)
	b.score.Append(s.Score)
	b.grade.Append(s.Grade)
	for _, r := range s.Reasons {
		b.features.Values.Append(r.Feature)
		b.contributions.Values.Append(r.Contribution)
	}
	b.features.EndRow()
	b.contributions.EndRow()
}
