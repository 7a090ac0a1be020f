package jsonscan_test

import (
	"encoding/json"
	"testing"

	"touchline.dev/services/internal/jsonscan"
)

func FuzzAppendString(f *testing.F) {
	for _, text := range []string{"", "a", "\"\\\x00\x1f\x7f", "é漢🎉", "\xff\xc3", "\xed\xa0\xbc"} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		quoted := jsonscan.AppendString([]byte("x"), text)
		var back string
		if err := json.Unmarshal(quoted[1:], &back); err != nil || back != string([]rune(text)) {
			t.Fatalf("%q is written as %s (%v)", text, quoted, err)
		}
		if string(jsonscan.AppendString([]byte("x"), []byte(text))) != string(quoted) {
			t.Fatalf("bytes and text of %q differ", text)
		}
	})
}
