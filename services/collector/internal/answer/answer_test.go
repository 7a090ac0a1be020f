package answer_test

import (
	"image/gif"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"touchline.dev/services/collector/internal/answer"
)

func TestGIF(t *testing.T) {
	w := httptest.NewRecorder()
	answer.WriteGIF(w, http.StatusOK)
	if w.Body.Len() != 43 || w.Header().Get("Content-Type") != "image/gif" || !strings.Contains(w.Header().Get("Cache-Control"), "no-store") {
		t.Fatalf("%d bytes, headers %v", w.Body.Len(), w.Header())
	}
	picture, err := gif.Decode(w.Body)
	if err != nil {
		t.Fatal(err)
	}
	if size := picture.Bounds().Size(); size.X != 1 || size.Y != 1 {
		t.Errorf("the picture has %v pixels", size)
	}
	if _, _, _, alpha := picture.At(0, 0).RGBA(); alpha != 0 {
		t.Errorf("the pixel is seen: alpha %d", alpha)
	}
}

func TestBodies(t *testing.T) {
	for _, c := range []struct {
		write      func(w http.ResponseWriter)
		kind, body string
	}{
		{func(w http.ResponseWriter) { answer.WriteText(w, 202, "OK") }, "text/plain; charset=utf-8", "OK"},
		{func(w http.ResponseWriter) { answer.WriteJSON(w, 202, `{"ok":true}`) }, "application/json", `{"ok":true}`},
		{func(w http.ResponseWriter) { answer.WriteValue(w, 202, []string{"</script>"}) }, "application/json", `["\u003c/script\u003e"]`},
	} {
		w := httptest.NewRecorder()
		c.write(w)
		if w.Code != 202 || w.Header().Get("Content-Type") != c.kind || w.Header().Get("X-Content-Type-Options") != "nosniff" || w.Body.String() != c.body {
			t.Errorf("%d %v %q", w.Code, w.Header(), w.Body)
		}
	}
}
