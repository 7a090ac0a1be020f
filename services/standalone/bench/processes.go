package main

import (
	"errors"
	"time"

	"touchline.dev/services/standalone/bench/internal/meter"
)

// Names of the processes.
const (
	handler    = "handler"
	broker     = "broker"
	collector  = "collector"
	enricher   = "enricher"
	clickHouse = "ClickHouse"
	touchline  = "touchline"
	columns    = "landing of 30 columns"
)

// processes are measured together: ids by name.
type processes map[string]int

// cpu returns what each has used so far.
func (p processes) cpu() (map[string]meter.Time, error) {
	used := make(map[string]meter.Time, len(p))
	var errs error
	for name, pid := range p {
		t, err := meter.CPU(pid)
		used[name], errs = t, errors.Join(errs, err)
	}
	return used, errs
}

func (p processes) peakRSS() (map[string]int64, error) {
	peak := make(map[string]int64, len(p))
	var errs error
	for name, pid := range p {
		n, err := meter.PeakRSS(pid)
		peak[name], errs = n, errors.Join(errs, err)
	}
	return peak, errs
}

// during returns what each process used while do ran.
func (p processes) during(do func() error) (map[string]meter.Time, error) {
	before, err := p.cpu()
	if err != nil {
		return nil, err
	}
	if err := do(); err != nil {
		return nil, err
	}
	used, err := p.cpu()
	for name := range used {
		used[name] = used[name].Sub(before[name])
	}
	return used, err
}

// cores returns how many each process kept busy while do ran.
func (p processes) cores(do func() error) (map[string]float64, error) {
	began := time.Now()
	used, err := p.during(do)
	if err != nil {
		return nil, err
	}
	took := time.Since(began).Seconds()
	cores := make(map[string]float64, len(used))
	for name, t := range used {
		cores[name] = t.Total().Seconds() / took
	}
	return cores, nil
}
