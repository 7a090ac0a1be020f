package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"touchline.dev/services/standalone/bench/internal/stack"
)

const profileSeconds = 3

// profile starts to profile a process if that was asked for, and returns the
// function that waits for the file to be written.
func (c *course) profile(ctx context.Context, p *stack.Process, phase string) (wait func() error) {
	if c.profiles == "" {
		return func() error { return nil }
	}
	file := filepath.Join(c.profiles, strings.ReplaceAll(c.r.Name, " ", "")+"-"+phase+".pprof")
	done := make(chan error, 1)
	go func() { done <- fetchProfile(ctx, p.Admin, file) }()
	return func() error { return <-done }
}

func fetchProfile(ctx context.Context, admin, file string) error {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+admin+"/debug/pprof/profile?seconds="+strconv.Itoa(profileSeconds), http.NoBody)
	if err != nil {
		return fmt.Errorf("ask for profile: %w", err)
	}
	client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	resp, err := client.Do(req)
	if err != nil {
		return fmt.Errorf("ask for profile: %w", err)
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		return fmt.Errorf("ask for profile: answer %s", resp.Status)
	}
	out, err := os.Create(file)
	if err != nil {
		return fmt.Errorf("write profile: %w", err)
	}
	_, err = io.Copy(out, resp.Body)
	if err := errors.Join(err, out.Close()); err != nil {
		return fmt.Errorf("write profile: %w", err)
	}
	return nil
}
