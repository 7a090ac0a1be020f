package posthog

import (
	"encoding/json"
	"io"
	"net/http"

	"touchline.dev/services/collector/internal/answer"
	"touchline.dev/services/collector/internal/intake"
	"touchline.dev/services/collector/internal/unwrap"
)

// settings is what SDKs of the browser ask for at their start: no feature flags,
// surveys, recordings or apps, which this service does not have, and the path for
// events. elementsChainAsString has clicks described in a short text.
const settings = `"supportedCompression":["gzip","gzip-js"],"hasFeatureFlags":false,"analytics":{"endpoint":"/i/v0/e/"},` +
	`"sessionRecording":false,"surveys":false,"heatmaps":false,"siteApps":[],"capturePerformance":false,` +
	`"autocapture_opt_out":false,"elementsChainAsString":true,"defaultIdentifiedOnly":true`

// config answers the request for settings of a key.
type config struct{ lookup intake.Lookup }

// object answers GET /array/{key}/config.
func (c config) object(w http.ResponseWriter, r *http.Request) {
	if _, known := c.lookup([]byte(r.PathValue("key")), Name); !known {
		answer.WriteJSON(w, http.StatusNotFound, `{}`)
		return
	}
	w.Header()["Cache-Control"] = []string{"private, max-age=60"}
	answer.WriteJSON(w, http.StatusOK, `{`+settings+`}`)
}

// script answers GET /array/{key}/config.js. The answer is run whatever it says,
// so that for unknown keys is empty.
func (c config) script(w http.ResponseWriter, r *http.Request) {
	key := r.PathValue("key")
	h := w.Header()
	h["Content-Type"], h["X-Content-Type-Options"] = []string{"application/javascript; charset=utf-8"}, []string{"nosniff"}
	if _, known := c.lookup([]byte(key), Name); !known {
		w.WriteHeader(http.StatusNotFound)
		return
	}
	name, err := json.Marshal(key) // a JavaScript text too: <, > and line separators are escaped
	if err != nil {
		panic(err) // a string always marshals
	}
	h["Cache-Control"] = []string{"private, max-age=60"}
	_, _ = io.WriteString(w, `(function(){var c=window._POSTHOG_REMOTE_CONFIG=window._POSTHOG_REMOTE_CONFIG||{};`+
		`c[`+string(name)+`]={config:{`+settings+`},siteApps:[]}})();`) // the client is gone: nobody is left to tell
}

// flags answers /flags and /decide, with the settings for those SDKs that ask for
// them here. The first version of /decide has a list of flags.
func flags(w http.ResponseWriter, r *http.Request) {
	none := `{}`
	if v, _ := unwrap.Field(r.URL.RawQuery, "v"); v == "" || v == "1" {
		none = `[]`
	}
	answer.WriteJSON(w, http.StatusOK, `{"flags":{},"featureFlags":`+none+`,"featureFlagPayloads":{},"errorsWhileComputingFlags":false,`+
		`"config":{"enable_collect_everything":true},"toolbarParams":{},"editorParams":{},"isAuthenticated":false,`+settings+`}`)
}

// fixed answers with a JSON text.
type fixed string

// ServeHTTP writes the text.
func (f fixed) ServeHTTP(w http.ResponseWriter, _ *http.Request) {
	answer.WriteJSON(w, http.StatusOK, string(f))
}
