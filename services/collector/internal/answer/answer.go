// Package answer writes the bodies that SDKs want to see: texts, JSON and the
// smallest picture.
//
// It reads nothing and writes one whole answer to a ResponseWriter, whose CORS
// headers stand there already. It guarantees a Content-Type that no browser takes
// for something else. Its functions may be used concurrently.
package answer

import (
	"encoding/json"
	"io"
	"net/http"
)

// GIF is a transparent picture of one pixel, 43 bytes long: what a pixel is
// answered with.
const GIF = "GIF89a\x01\x00\x01\x00\x80\x00\x00\x00\x00\x00\x00\x00\x00!\xf9\x04\x01\x00\x00\x00\x00,\x00\x00\x00\x00\x01\x00\x01\x00\x00\x02\x02D\x01\x00;"

// WriteText answers with plain text.
func WriteText(w http.ResponseWriter, status int, text string) {
	write(w, status, "text/plain; charset=utf-8", text)
}

// WriteJSON answers with a JSON text.
func WriteJSON(w http.ResponseWriter, status int, text string) {
	write(w, status, "application/json", text)
}

// WriteValue answers with a value as JSON; it must be made of what marshals:
// structs, lists, strings, numbers and bools.
func WriteValue(w http.ResponseWriter, status int, value any) {
	text, err := json.Marshal(value)
	if err != nil { // a value that no input can make
		panic(err)
	}
	write(w, status, "application/json", string(text))
}

// WriteGIF answers with GIF, and keeps every cache from answering the next
// request in our place.
func WriteGIF(w http.ResponseWriter, status int) {
	w.Header()["Cache-Control"] = []string{"no-cache, no-store, must-revalidate"}
	write(w, status, "image/gif", GIF)
}

func write(w http.ResponseWriter, status int, kind, text string) {
	h := w.Header()
	values := [...]string{kind, "nosniff"}
	h["Content-Type"], h["X-Content-Type-Options"] = values[:1:1], values[1:]
	w.WriteHeader(status)
	_, _ = io.WriteString(w, text) // the client is gone: nobody is left to tell
}
