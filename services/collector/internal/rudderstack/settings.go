package rudderstack

import (
	"net/http"

	"touchline.dev/services/collector/internal/answer"
	"touchline.dev/services/collector/internal/auth"
	"touchline.dev/services/collector/internal/intake"
)

// settings answers what the browser SDK asks for at its start; without an answer
// it sends nothing. It is the smallest one that works: no destinations but this
// collector, and none of the SDK's reports about itself. A key that opens nothing
// is told that its source is disabled, which the SDK says once and then rests.
type settings struct{ lookup intake.Lookup }

type sourceConfig struct {
	Source source `json:"source"`
}

type source struct {
	ID           string   `json:"id"`
	Name         string   `json:"name"`
	WriteKey     string   `json:"writeKey"`
	Enabled      bool     `json:"enabled"`
	WorkspaceID  string   `json:"workspaceId"`
	Config       config   `json:"config"`
	DataPlanes   struct{} `json:"dataplanes"`
	Connections  []string `json:"connections"`
	Destinations []string `json:"destinations"`
}

type config struct {
	StatsCollection struct {
		Errors  toggle `json:"errors"`
		Metrics toggle `json:"metrics"`
	} `json:"statsCollection"`
}

type toggle struct {
	Enabled bool `json:"enabled"`
}

// ServeHTTP answers GET /sourceConfig.
func (s settings) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	key := auth.User(r, nil)
	if key == nil {
		key = auth.Query(r, "writeKey", nil)
	}
	_, known := s.lookup(key, Name)
	w.Header()["Cache-Control"] = []string{"private, max-age=60"}
	answer.WriteValue(w, http.StatusOK, sourceConfig{source{
		ID: "touchline", Name: "touchline", WriteKey: string(key), Enabled: known, WorkspaceID: "touchline",
		Connections: []string{}, Destinations: []string{},
	}})
}
