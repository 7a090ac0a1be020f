package collector_test

import (
	"bufio"
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"math/big"
	"net"
	"net/http"
	"os"
	"os/signal"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"go.uber.org/zap"
	"go.uber.org/zap/zaptest/observer"
	"golang.org/x/net/http2"
	"golang.org/x/net/http2/hpack"

	"touchline.dev/services/collector"
	"touchline.dev/services/internal/kafkatest"
)

// identity is a certificate that signs itself, in two files.
type identity struct {
	collector.TLS
	roots *x509.CertPool
}

func newIdentity(t *testing.T) *identity {
	t.Helper()
	dir := t.TempDir()
	i := &identity{TLS: collector.TLS{CertFile: filepath.Join(dir, "cert.pem"), KeyFile: filepath.Join(dir, "key.pem")}, roots: x509.NewCertPool()}
	i.renew(t, "first")
	return i
}

// renew writes a new pair, which is trusted beside those before.
func (i *identity) renew(t *testing.T, name string) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(time.Now().UnixNano()), Subject: pkix.Name{CommonName: name}, DNSNames: []string{"collect.test"},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign | x509.KeyUsageDigitalSignature,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	private, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	cert := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})
	if !i.roots.AppendCertsFromPEM(cert) {
		t.Fatal("the certificate is not read back")
	}
	i.write(t, i.CertFile, cert)
	i.write(t, i.KeyFile, pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: private}))
}

func (i *identity) write(t *testing.T, path string, text []byte) {
	t.Helper()
	if err := os.WriteFile(path, text, 0o600); err != nil {
		t.Fatal(err)
	}
}

// name returns the name of the certificate that a new connection gets.
func (i *identity) name(t *testing.T, addr string) string {
	t.Helper()
	c := i.dial(t, addr)
	defer c.Close()
	return c.ConnectionState().PeerCertificates[0].Subject.CommonName
}

func (i *identity) dial(t *testing.T, addr string, protocols ...string) *tls.Conn {
	t.Helper()
	c, err := tls.Dial("tcp", addr, &tls.Config{RootCAs: i.roots, ServerName: "collect.test", NextProtos: protocols})
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// client speaks HTTP/2, or HTTP/1.1 if told so.
func (i *identity) client(t *testing.T, version2 bool) *http.Client {
	transport := &http.Transport{TLSClientConfig: &tls.Config{RootCAs: i.roots, ServerName: "collect.test"}, ForceAttemptHTTP2: version2}
	t.Cleanup(transport.CloseIdleConnections)
	return &http.Client{Transport: transport, Timeout: 30 * time.Second}
}

func tlsPost(client *http.Client, addr, body string) (status, major int, text string, err error) {
	req, err := http.NewRequest("POST", "https://"+addr+"/v1/track", strings.NewReader(body))
	if err != nil {
		return 0, 0, "", err
	}
	req.SetBasicAuth("wk_test", "")
	res, err := client.Do(req)
	if err != nil {
		return 0, 0, "", err
	}
	defer res.Body.Close()
	answer, err := io.ReadAll(res.Body)
	return res.StatusCode, res.ProtoMajor, string(answer), err
}

// TestTLS posts over HTTP/2 and HTTP/1.1, several requests on a connection.
func TestTLS(t *testing.T) {
	id := newIdentity(t)
	s := start(t, func(c *collector.Config) { c.HTTP.TLS = id.TLS })
	for major, client := range map[int]*http.Client{1: id.client(t, false), 2: id.client(t, true)} {
		for n := range 3 {
			body := fmt.Sprintf(`{"userId":"u%d-%d","x":[%s0]}`, major, n, strings.Repeat(`"yyyyyyy",`, n*10_000))
			status, got, text, err := tlsPost(client, s.Addr(), body)
			if err != nil || status != 200 || text != success || got != major {
				t.Errorf("HTTP/%d: %d %q of HTTP/%d, %v", major, status, text, got, err)
			}
		}
	}
	if n := len(s.records(t)); n != 6 {
		t.Errorf("%d records, want 6", n)
	}
	if a, err := s.try("POST /v1/track HTTP/1.1"+basic("wk_test"), "{}"); err != nil || a.StatusCode != 400 {
		t.Errorf("without TLS: %v, %v", a.Response, err)
	}
	old, err := tls.Dial("tcp", s.Addr(), &tls.Config{RootCAs: id.roots, ServerName: "collect.test", MaxVersion: tls.VersionTLS11})
	if err == nil {
		_ = old.Close()
		t.Error("TLS 1.1 is spoken")
	}
}

// TestCertificateReload changes the files under a running collector.
func TestCertificateReload(t *testing.T) {
	id := newIdentity(t)
	core, logs := observer.New(zap.InfoLevel)
	s := startOn(t, kafkatest.Start(t), zap.New(core), func(c *collector.Config) { c.HTTP.TLS = id.TLS })
	kept := id.client(t, true)
	post := func(want string) {
		t.Helper()
		if status, _, _, err := tlsPost(kept, s.Addr(), "{}"); err != nil || status != 200 {
			t.Errorf("a connection from before: %d, %v", status, err)
		}
		if got := id.name(t, s.Addr()); got != want {
			t.Errorf("certificate %q, want %q", got, want)
		}
	}
	hangup := func(message string, count int) {
		t.Helper()
		// It must not end this process, were the collector not listening for it.
		caught := make(chan os.Signal, 1)
		signal.Notify(caught, syscall.SIGHUP)
		defer signal.Stop(caught)
		kafkatest.Eventually(t, message, func() bool {
			if logs.FilterMessage(message).Len() >= count {
				return true
			}
			if err := syscall.Kill(os.Getpid(), syscall.SIGHUP); err != nil {
				t.Fatal(err)
			}
			<-caught
			return false
		})
	}
	const taken, refused = "certificate read", "certificate refused, the one before it stays in use"
	ok := func() float64 { return s.metric(t, "touchline_collector_certificate_ok") }
	post("first")
	id.renew(t, "second")
	hangup(taken, 1)
	post("second")
	if ok() != 1 {
		t.Error("the metric says that the files are not in use")
	}
	cert, err := os.ReadFile(id.CertFile)
	if err != nil {
		t.Fatal(err)
	}
	id.renew(t, "third")
	for _, bad := range [][]byte{cert, nil, []byte("no certificate")} {
		id.write(t, id.CertFile, bad) // not the one of the key
		count := logs.FilterMessage(refused).Len()
		hangup(refused, count+1)
		post("second")
		if ok() != 0 {
			t.Error("the metric says that the files are in use")
		}
	}
	if err := os.Remove(id.KeyFile); err != nil {
		t.Fatal(err)
	}
	hangup(refused, logs.FilterMessage(refused).Len()+1)
	post("second")
	count := logs.FilterMessage(taken).Len()
	id.renew(t, "fourth")
	hangup(taken, count+1)
	post("fourth")
	for _, entry := range logs.All() {
		if text := fmt.Sprint(entry.ContextMap()); strings.Contains(text, "PRIVATE KEY") {
			t.Errorf("the log shows the key: %s", text)
		}
	}
}

func TestCertificateMustBeGood(t *testing.T) {
	id := newIdentity(t)
	other := newIdentity(t)
	for name, files := range map[string]collector.TLS{
		"missing key":   {CertFile: id.CertFile, KeyFile: filepath.Join(t.TempDir(), "none")},
		"key of others": {CertFile: id.CertFile, KeyFile: other.KeyFile},
		"no key":        {CertFile: id.CertFile},
		"no cert":       {KeyFile: id.KeyFile},
	} {
		cfg := collector.Default()
		cfg.HTTP.TLS = files
		if c, err := collector.New(cfg, collector.Deps{}); err == nil || c != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// stream is a connection of HTTP/2 frames as no client would send them.
type stream struct {
	*http2.Framer
	*tls.Conn
	out    *bufio.Writer
	encode *hpack.Encoder
	block  bytes.Buffer
	next   uint32
}

func (i *identity) stream(t *testing.T, addr string) *stream {
	t.Helper()
	c := i.dial(t, addr, "h2")
	if got := c.ConnectionState().NegotiatedProtocol; got != "h2" {
		t.Fatalf("protocol %q", got)
	}
	s := &stream{Conn: c, out: bufio.NewWriterSize(c, 64<<10), next: 1}
	s.Framer = http2.NewFramer(s.out, c)
	s.encode = hpack.NewEncoder(&s.block)
	_, _ = s.out.WriteString(http2.ClientPreface) // an error comes again at Flush
	if err := s.WriteSettings(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Close() })
	return s
}

// open starts a request and returns the id of its stream.
func (s *stream) open(end bool) (uint32, error) {
	s.block.Reset()
	for _, f := range [][2]string{
		{":method", "POST"}, {":scheme", "https"}, {":authority", "collect.test"}, {":path", "/v1/track"}, {"authorization", "Basic d2tfdGVzdDo="},
	} {
		if err := s.encode.WriteField(hpack.HeaderField{Name: f[0], Value: f[1]}); err != nil {
			return 0, err
		}
	}
	id := s.next
	s.next += 2
	return id, s.WriteHeaders(http2.HeadersFrameParam{StreamID: id, BlockFragment: s.block.Bytes(), EndHeaders: true, EndStream: end})
}

// TestHTTP2Floods: what is wrong with a connection ends it or its streams, and the
// requests of others are answered meanwhile.
func TestHTTP2Floods(t *testing.T) {
	id := newIdentity(t)
	s := startOn(t, kafkatest.Start(t), zap.NewNop(), func(c *collector.Config) { c.HTTP.TLS = id.TLS })
	others := id.client(t, true)
	served := func() {
		t.Helper()
		if status, _, _, err := tlsPost(others, s.Addr(), "{}"); err != nil || status != 200 {
			t.Errorf("others are answered %d, %v", status, err)
		}
	}
	// read returns the next frame; nil when the server has closed the connection.
	read := func(t *testing.T, c *stream) http2.Frame {
		t.Helper()
		if err := c.SetReadDeadline(time.Now().Add(20 * time.Second)); err != nil {
			t.Fatal(err)
		}
		f, err := c.ReadFrame()
		if timeout, ok := errors.AsType[net.Error](err); ok && timeout.Timeout() {
			t.Fatalf("no frame: %v", err)
		}
		return f
	}
	t.Run("streams", func(t *testing.T) {
		c := id.stream(t, s.Addr())
		var settings uint32
		for settings == 0 {
			if f, ok := read(t, c).(*http2.SettingsFrame); ok && !f.IsAck() {
				settings, _ = f.Value(http2.SettingMaxConcurrentStreams)
			}
		}
		if settings != 100 {
			t.Errorf("%d streams offered, want 100", settings)
		}
		for range 500 { // none is ended
			if _, err := c.open(false); err != nil {
				t.Fatal(err)
			}
		}
		if err := c.out.Flush(); err != nil {
			t.Fatal(err)
		}
		served()
		refused := 0
		for refused < 400 {
			switch f := read(t, c).(type) {
			case *http2.RSTStreamFrame:
				refused++
			case *http2.GoAwayFrame, nil:
				refused = 400
			default:
				_ = f
			}
		}
		served()
	})
	t.Run("rapid reset", func(t *testing.T) {
		c := id.stream(t, s.Addr())
		for range 20_000 {
			stream, err := c.open(false)
			if err == nil {
				err = c.WriteRSTStream(stream, http2.ErrCodeCancel)
			}
			if err != nil { // the server has had enough
				break
			}
		}
		_ = c.out.Flush() // it may be closed
		served()
	})
	t.Run("endless headers", func(t *testing.T) {
		c := id.stream(t, s.Addr())
		if _, err := c.open(true); err != nil {
			t.Fatal(err)
		}
		err := c.WriteHeaders(http2.HeadersFrameParam{StreamID: c.next, BlockFragment: c.block.Bytes()})
		for n := 0; err == nil && n < 1000; n++ {
			c.block.Reset()
			if err = c.encode.WriteField(hpack.HeaderField{Name: fmt.Sprintf("x-%d", n), Value: strings.Repeat("v", 10_000), Sensitive: true}); err == nil {
				err = c.WriteContinuation(c.next, false, c.block.Bytes())
			}
		}
		_ = c.out.Flush() // it may be closed
		for f := read(t, c); f != nil; f = read(t, c) {
			if away, ok := f.(*http2.GoAwayFrame); ok && away.ErrCode == http2.ErrCodeNo {
				t.Errorf("goes away without an error")
			}
		}
		served()
	})
	t.Run("pings", func(t *testing.T) {
		c := id.stream(t, s.Addr())
		for range 100_000 {
			if err := c.WritePing(false, [8]byte{1}); err != nil {
				break
			}
		}
		_ = c.out.Flush()
		served()
	})
	kafkatest.Eventually(t, "all bytes to be given back", func() bool { return s.metric(t, "touchline_collector_inflight_bytes") < 1<<20 })
}
