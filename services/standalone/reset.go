package standalone

import (
	"context"
	"errors"
	"fmt"
	"os"
	"time"

	kafkago "github.com/segmentio/kafka-go"
	"go.uber.org/zap"

	"touchline.dev/services/internal/clickhouse"
	"touchline.dev/services/internal/config"
	"touchline.dev/services/internal/kafka"
	"touchline.dev/services/internal/lifecycle"
	"touchline.dev/services/internal/telemetry"
	"touchline.dev/services/standalone/internal/reset"
)

type resetSettings struct {
	Dir            string            `yaml:"dir" doc:"Directory of a touchline up that has stopped; its broker and its ClickHouse are started for the time of the command."`
	Brokers        []string          `yaml:"brokers" doc:"Kafka brokers to start from, host:port; instead of dir."`
	ClickHouse     clickhouse.Config `yaml:"clickhouse"`
	CacheDir       string            `yaml:"cache_dir" doc:"As for touchline up; used with dir."`
	Apply          bool              `yaml:"apply" doc:"Write what is shown; without it nothing is changed."`
	AbandonIntents bool              `yaml:"abandon_intents" doc:"Take chunks that are half inserted, and can no longer be finished, as landed."`
	AbandonUnread  bool              `yaml:"abandon_unread" doc:"Give up raw records that were not processed, when raw has lost its end and has to be made again."`
	Group          string            `yaml:"group" doc:"Show only this consumer group, and write only when no other has to be written."`
}

// exitTodo is the exit code when something is wrong that --apply would mend.
const exitTodo = 3

// Time that a plain run may take: the largest question to ClickHouse has 10 minutes.
const resetTime = 30 * time.Minute

// resetCommand finds out why services have stopped for good, and with --apply
// writes from where they go on.
func resetCommand(c *call) error {
	s := resetSettings{ClickHouse: clickhouse.Default()}
	if done, err := c.load("touchline-reset", &s); done || err != nil {
		return err
	}
	if s.Group != "" && !reset.IsGroup(s.Group) {
		c.code = config.ExitBadConfig
		return fmt.Errorf("there is no consumer group %q", s.Group)
	}
	if err := (where{s.Dir, s.Brokers}).check(); err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(c.ctx, resetTime)
	defer cancel()
	if s.Dir != "" {
		return s.onDirectory(ctx, c)
	}
	return s.run(ctx, c, kafka.Config{Brokers: s.Brokers}, s.ClickHouse)
}

// onDirectory starts what a touchline up has in its directory, and runs on it.
func (s resetSettings) onDirectory(ctx context.Context, c *call) error {
	if _, err := os.Stat(s.Dir); err != nil {
		return fmt.Errorf("find data directory: %w", err)
	}
	unlock, err := lockDir(s.Dir)
	if err != nil {
		return err
	}
	defer unlock()
	up := DefaultSettings()
	up.Dir, up.CacheDir = s.Dir, s.CacheDir
	p := newPipeline(up, telemetry.Deps{Log: zap.NewNop(), Now: time.Now}, c.stderr)
	p.clickhouse = s.ClickHouse
	g := lifecycle.NewGroup(2 * stopTimeout)
	g.Add("broker", lifecycle.Func(p.runBroker))
	// One that was named when touchline up began has left no directory.
	if _, err := os.Stat(up.clickHouseDir()); err == nil {
		g.Add("clickhouse", lifecycle.Func(p.runClickHouse))
	}
	running, stop := context.WithCancel(ctx)
	defer stop()
	done := make(chan error, 1)
	go func() { done <- g.Run(running) }()
	select {
	case err := <-done:
		return err
	case <-g.Ready():
	}
	err = s.run(ctx, c, p.kafka, p.clickhouse)
	stop()
	return errors.Join(err, <-done)
}

// run diagnoses, shows, and applies when it was asked to.
func (s resetSettings) run(ctx context.Context, c *call, brokers kafka.Config, tables clickhouse.Config) error {
	admin, err := where{brokers: brokers.Brokers}.client(ctx, "touchline-reset")
	if err != nil {
		return err
	}
	defer admin.Close()
	conn, err := clickhouse.Open(tables)
	if err != nil {
		return err
	}
	defer conn.Close()
	d := reset.Deps{Kafka: &kafkago.Client{Addr: kafkago.TCP(brokers.Brokers...), Timeout: 10 * time.Second}, Admin: admin, Conn: conn}
	facts, err := reset.Look(ctx, d)
	if err != nil {
		return err
	}
	plan := reset.Diagnose(facts, reset.Options{AbandonIntents: s.AbandonIntents, AbandonUnread: s.AbandonUnread, OneProcess: s.Dir != ""})
	plan.Restrict(s.Group)
	if err := plan.Print(c.stdout, s.Group); err != nil {
		return err
	}
	switch {
	case plan.Sound():
		return s.say(c, "nothing is wrong")
	case len(plan.Refused) > 0:
		return errors.New("nothing was written")
	case !s.Apply:
		c.code = exitTodo
		return s.say(c, "nothing was written; --apply does what is shown")
	}
	if err := reset.Apply(ctx, d, facts, plan); err != nil {
		return fmt.Errorf("%w; run it again", err)
	}
	return s.say(c, "written; start the services")
}

func (s resetSettings) say(c *call, text string) error {
	_, err := fmt.Fprintln(c.stdout, text)
	return err
}
