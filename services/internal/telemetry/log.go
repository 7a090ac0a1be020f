package telemetry

import (
	"fmt"
	"io"
	"time"

	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"
)

// NewLogger returns a logger that writes one JSON object a line to w, with the
// fields time (UTC, milliseconds), level and msg. level is debug, info, warn or
// error. Durations are seconds. Lines are neither sampled nor buffered; w is
// written to under a lock.
func NewLogger(level string, w io.Writer) (*zap.Logger, error) {
	min, err := parseLevel(level)
	if err != nil {
		return nil, err
	}
	encoder := zapcore.NewJSONEncoder(zapcore.EncoderConfig{
		TimeKey: "time", LevelKey: "level", MessageKey: "msg", StacktraceKey: "stack",
		EncodeLevel:    zapcore.LowercaseLevelEncoder,
		EncodeDuration: zapcore.SecondsDurationEncoder,
		EncodeTime: func(t time.Time, to zapcore.PrimitiveArrayEncoder) {
			to.AppendString(t.UTC().Format("2006-01-02T15:04:05.000Z"))
		},
	})
	return zap.New(zapcore.NewCore(encoder, zapcore.Lock(zapcore.AddSync(w)), min)), nil
}

func parseLevel(level string) (zapcore.Level, error) {
	switch level {
	case "debug", "info", "warn", "error":
		return zapcore.ParseLevel(level)
	default:
		return 0, fmt.Errorf("want debug, info, warn or error, got %q", level)
	}
}
