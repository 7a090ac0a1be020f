package tables

import (
	"fmt"
	"iter"
	"maps"
	"testing"
	"time"

	"touchline.dev/services/internal/analytics"
	"touchline.dev/services/internal/analytics/oracle"
)

// The tables that materialized views fill hold what the same sums over the events
// give.
func TestTablesEqualReference(t *testing.T) {
	w := oracle.New(t)
	r := oracle.Seed(t)
	projects := oracle.Random(t, r)
	w.Load(t, r, projects)

	t.Run("person_days", func(t *testing.T) {
		want := map[string]personMonth{}
		for project, e := range events(projects) {
			if !e.Bot {
				day := oracle.Date(e.Day)
				month := time.Date(day.Year(), day.Month(), 1, 0, 0, 0, 0, time.UTC).Format(time.DateOnly)
				for _, name := range []string{e.Name, ""} {
					add(want, fmt.Sprintf("%#v", []any{project, name, month, e.Person, e.Channel}), personMonth{1 << (day.Day() - 1), 1, e.Time, e.Time})
				}
			}
		}
		have := map[string]personMonth{}
		err := scan(t, w.Writer, `SELECT project, event, toString(month), person_id, channel, groupBitOr(days), sum(p.events),
				toUnixTimestamp64Milli(min(first_time)), toUnixTimestamp64Milli(max(last_time))
			FROM touchline.person_days AS p GROUP BY ALL`, func(scan func(...any) error) error {
			var project, event, month, channel string
			var person uint64
			var p personMonth
			err := scan(&project, &event, &month, &person, &channel, &p.days, &p.events, &p.first, &p.last)
			have[fmt.Sprintf("%#v", []any{project, event, month, person, channel})] = p
			return err
		})
		compareMaps(t, have, want, err)
	})

	t.Run("firsts", func(t *testing.T) {
		want := map[string]int32{}
		for _, p := range projects {
			for _, e := range p.Events {
				person := e.Person
				if unified, ok := p.Overrides[person]; ok {
					person = unified
				}
				for _, name := range []string{e.Name, ""} {
					key := fmt.Sprintf("%#v", []any{p.Name, name, person})
					if day, ok := want[key]; !e.Bot && (!ok || e.Day < day) {
						want[key] = e.Day
					}
				}
			}
		}
		have := map[string]int32{}
		err := scan(t, w.Writer, `SELECT project, event, person_id, toInt32(min(first_day)) FROM touchline.firsts GROUP BY ALL`, func(scan func(...any) error) error {
			var project, event string
			var person uint64
			var day int32
			err := scan(&project, &event, &person, &day)
			have[fmt.Sprintf("%#v", []any{project, event, person})] = day
			return err
		})
		compareMaps(t, have, want, err)
	})

	t.Run("metric_days", func(t *testing.T) {
		want := map[string]metricDay{}
		for project, e := range events(projects) {
			m := metricDay{events: 1, revenue: e.Revenue, event: e.Time, receipt: oracle.ReceivedAt(e).UnixMilli()}
			if e.Kind == "order" {
				m.orders = 1
			}
			currency := ""
			if e.Revenue != 0 {
				currency = e.Currency
			}
			add(want, fmt.Sprintf("%#v", []any{project, e.Day, e.Name, e.Channel, currency, e.Bot}), m)
		}
		have := map[string]metricDay{}
		err := scan(t, w.Writer, `SELECT project, toInt32(day), event, channel, currency, is_bot, sum(m.events), sum(m.orders), toInt64(sum(m.revenue) * 10000),
				toUnixTimestamp64Milli(max(newest_event)), toUnixTimestamp64Milli(max(newest_receipt))
			FROM touchline.metric_days AS m GROUP BY ALL`, func(scan func(...any) error) error {
			var project, event, channel, currency string
			var day int32
			var bot bool
			var m metricDay
			err := scan(&project, &day, &event, &channel, &currency, &bot, &m.events, &m.orders, &m.revenue, &m.event, &m.receipt)
			have[fmt.Sprintf("%#v", []any{project, day, event, channel, currency, bot})] = m
			return err
		})
		compareMaps(t, have, want, err)
	})

	t.Run("landed", func(t *testing.T) {
		want := map[string]placeRange{}
		for project, e := range events(projects) {
			minute := oracle.ReceivedAt(e).Truncate(time.Minute).Unix()
			add(want, fmt.Sprint(oracle.Topic, e.Partition, project, minute), placeRange{e.Offset, e.Offset, 1})
		}
		have := map[string]placeRange{}
		err := scan(t, w.Writer, `SELECT src_topic, src_partition, project, toInt64(toUnixTimestamp(minute)), min(min_offset), max(max_offset), sum(l.events)
			FROM touchline.landed AS l GROUP BY ALL`, func(scan func(...any) error) error {
			var topic, project string
			var partition uint16
			var minute int64
			var p placeRange
			err := scan(&topic, &partition, &project, &minute, &p.low, &p.high, &p.events)
			have[fmt.Sprint(topic, partition, project, minute)] = p
			return err
		})
		compareMaps(t, have, want, err)
	})
}

// events returns every event with the name of its project.
func events(projects []oracle.Project) iter.Seq2[string, analytics.Event] {
	return func(yield func(string, analytics.Event) bool) {
		for _, p := range projects {
			for _, e := range p.Events {
				if !yield(p.Name, e) {
					return
				}
			}
		}
	}
}

type personMonth struct {
	days        uint32
	events      uint64
	first, last int64
}

//nolint:unused // called by add, through its constraint
func (a personMonth) merge(b personMonth) personMonth {
	return personMonth{a.days | b.days, a.events + b.events, min(a.first, b.first), max(a.last, b.last)}
}

type metricDay struct {
	events, orders          uint64
	revenue, event, receipt int64
}

//nolint:unused // called by add, through its constraint
func (a metricDay) merge(b metricDay) metricDay {
	return metricDay{a.events + b.events, a.orders + b.orders, a.revenue + b.revenue, max(a.event, b.event), max(a.receipt, b.receipt)}
}

type placeRange struct{ low, high, events uint64 }

//nolint:unused // called by add, through its constraint
func (a placeRange) merge(b placeRange) placeRange {
	return placeRange{min(a.low, b.low), max(a.high, b.high), a.events + b.events}
}

func add[V interface{ merge(V) V }](to map[string]V, key string, v V) {
	if old, ok := to[key]; ok {
		v = old.merge(v)
	}
	to[key] = v
}

func compareMaps[V comparable](t *testing.T, have, want map[string]V, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
	if len(want) == 0 {
		t.Error("there is nothing to compare")
	}
	if maps.Equal(have, want) {
		return
	}
	for key, w := range want {
		if h, ok := have[key]; !ok || h != w {
			t.Errorf("%q: have %v, want %v", key, h, w)
			break
		}
	}
	t.Errorf("have %d rows, want %d", len(have), len(want))
}
