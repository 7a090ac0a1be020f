package segment

import (
	"net/http"

	"touchline.dev/services/collector/internal/answer"
	"touchline.dev/services/collector/internal/intake"
)

// settings answers what the browser SDK asks for at its start; without an answer
// it sends nothing. It is the smallest one that works: no destinations but this
// collector, everything that is tracked allowed, and a sample rate of zero for
// the SDK's metrics about itself, which would go to its vendor.
type settings struct{ lookup intake.Lookup }

type integrations struct {
	Segment struct {
		APIKey string `json:"apiKey"`
	} `json:"Segment.io"`
}

type plan struct {
	Track struct {
		Default struct {
			Enabled bool `json:"enabled"`
		} `json:"__default"`
	} `json:"track"`
}

type metrics struct {
	SampleRate int `json:"sampleRate"`
}

// ServeHTTP answers GET /v1/projects/{key}/settings, and 404 for keys that are
// not known.
func (s settings) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	key := r.PathValue("key")
	if _, known := s.lookup([]byte(key), Name); !known {
		answer.WriteValue(w, http.StatusNotFound, refusal{Reason: "not_found", Message: "no such project"})
		return
	}
	settings := struct {
		Integrations integrations `json:"integrations"`
		Plan         plan         `json:"plan"`
		Metrics      metrics      `json:"metrics"`
	}{}
	settings.Integrations.Segment.APIKey = key
	settings.Plan.Track.Default.Enabled = true
	w.Header().Set("Cache-Control", "private, max-age=60")
	answer.WriteValue(w, http.StatusOK, settings)
}
