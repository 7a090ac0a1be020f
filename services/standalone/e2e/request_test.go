package e2e_test

import (
	"bufio"
	"encoding/base64"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"
)

// success is what every Segment SDK takes as the sign that its events are safe.
const success = `{"success":true}`

// answer is a response with its body read.
type answer struct {
	status int
	header http.Header
	body   string
}

// want fails the test unless status and body are these; body "" is any.
func (a answer) want(t *testing.T, status int, body string) {
	t.Helper()
	if a.status != status || body != "" && a.body != body {
		t.Errorf("answer %d %s, want %d %s", a.status, a.body, status, body)
	}
}

// send writes a request byte for byte, head with line ends \n, and returns the
// answer.
func send(t *testing.T, collector, head, body string) answer {
	t.Helper()
	u, err := url.Parse(collector)
	if err != nil {
		t.Fatal(err)
	}
	conn, err := net.DialTimeout("tcp", u.Host, 5*time.Second)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	if err := conn.SetDeadline(time.Now().Add(15 * time.Second)); err != nil {
		t.Fatal(err)
	}
	text := strings.ReplaceAll(strings.TrimSuffix(head, "\n"), "\n", "\r\n") + "\r\n\r\n" + body
	// What refuses a body may do so before it has read all of it, so a failed
	// write is no reason not to read the answer.
	_, werr := io.WriteString(conn, text)
	method, _, _ := strings.Cut(head, " ")
	resp, err := http.ReadResponse(bufio.NewReader(conn), &http.Request{Method: method})
	if err != nil {
		t.Fatalf("%s: no answer: %v (written: %v)", firstLine(head), err, werr)
	}
	defer resp.Body.Close()
	data, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatalf("%s: read answer: %v", firstLine(head), err)
	}
	return answer{resp.StatusCode, resp.Header, string(data)}
}

func firstLine(head string) string {
	line, _, _ := strings.Cut(head, "\n")
	return line
}

// post sends a body with a write key, the way server SDKs do. Further header
// lines may follow.
func post(t *testing.T, d deployment, key, path, body string, headers ...string) answer {
	t.Helper()
	head := fmt.Sprintf("POST %s HTTP/1.1\nHost: collector\nAuthorization: Basic %s\nContent-Type: application/json\nContent-Length: %d\n",
		path, base64.StdEncoding.EncodeToString([]byte(key+":")), len(body))
	for _, h := range headers {
		head += h + "\n"
	}
	return send(t, d.collector(), head, body)
}
