package collector_test

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"strings"
	"testing"

	"go.uber.org/zap"

	"touchline.dev/schemas/event"
	"touchline.dev/services/internal/kafkatest"
)

// signedProjects has a key for each way of signing. The secret of svix is the text
// "an old secret".
const signedProjects = `
projects:
  - id: shop
    write_keys:
      - {key: ours, protocols: [webhook], kind: secret, signing: {scheme: touchline, secret: a-secret}}
      - {key: stripe, protocols: [webhook], kind: secret, signing: {scheme: stripe, secret: whsec_stripe, tolerance: 1m}}
      - {key: github, protocols: [webhook], kind: secret, signing: {scheme: github, secret: a-secret}}
      - {key: shopify, protocols: [webhook], kind: secret, signing: {scheme: shopify, secret: a-secret}}
      - {key: svix, protocols: [webhook], kind: secret, signing: {scheme: svix, secret: whsec_YW4gb2xkIHNlY3JldA==}}
`

func sign(secret, text string) []byte {
	mac := hmac.New(sha256.New, []byte(secret))
	mac.Write([]byte(text))
	return mac.Sum(nil)
}

func TestSignedWebhooks(t *testing.T) {
	s := startWithProjects(t, signedProjects, kafkatest.Start(t), zap.NewNop(), nil)
	const body = `{"event":"E","user_id":"u"}`
	packed := gzipped(t, []byte(body))
	at := now.Unix()
	timed := func(name, secret string, at int64, text string) string {
		return fmt.Sprintf("%s: t=%d,v0=00,v1=%x", name, at, sign(secret, fmt.Sprintf("%d.%s", at, text)))
	}
	standard := func(prefix, id string, at int64, text string) string {
		mac := base64.StdEncoding.EncodeToString(sign("an old secret", fmt.Sprintf("%s.%d.%s", id, at, text)))
		return fmt.Sprintf("%s-id: %s\n%s-timestamp: %d\n%s-signature: v1,AAAA v2,xx v1,%s", prefix, id, prefix, at, prefix, mac)
	}
	good, refused := 0, 0
	for _, c := range []struct {
		key, head, body, fault string
	}{
		{"ours", timed("Touchline-Signature", "a-secret", at, body), body, ""},
		{"ours", timed("Touchline-Signature", "a-secret", at-299, body), body, ""},
		{"ours", timed("Touchline-Signature", "a-secret", at, packed), packed, ""}, // the bytes as they came
		{"ours", timed("Touchline-Signature", "a-secret", at, body), packed, "wrong"},
		{"ours", timed("Touchline-Signature", "a-secret", at, body), body + " ", "wrong"},
		{"ours", timed("Touchline-Signature", "another", at, body), body, "wrong"},
		{"ours", timed("Touchline-Signature", "a-secret", at-301, body), body, "old"},
		{"ours", timed("Touchline-Signature", "a-secret", at+301, body), body, "future"},
		{"ours", strings.Replace(timed("Touchline-Signature", "a-secret", at-301, body), fmt.Sprint(at-301), fmt.Sprint(at), 1), body, "wrong"},
		{"ours", fmt.Sprintf("Touchline-Signature: v1=%x", sign("a-secret", "."+body)), body, "old"},
		{"ours", fmt.Sprintf("Touchline-Signature: t=%d,v1=", at), body, "wrong"},
		{"ours", fmt.Sprintf("Touchline-Signature: t=%d,v1=zz", at), body, "not signed"},
		{"ours", timed("Stripe-Signature", "a-secret", at, body), body, "not signed"},
		{"ours", timed("Touchline-Signature", "a-secret", at, body) + "\n" + timed("Touchline-Signature", "a-secret", at, body), body, "not signed"},
		{"ours", "X-A: b", body, "not signed"},
		{"stripe", timed("Stripe-Signature", "whsec_stripe", at-59, body), body, ""},
		{"stripe", timed("Stripe-Signature", "whsec_stripe", at-61, body), body, "old"},
		{"github", "X-Hub-Signature-256: sha256=" + hex.EncodeToString(sign("a-secret", body)), body, ""},
		{"github", "X-Hub-Signature-256: sha256=" + hex.EncodeToString(sign("a-secret", "")), body, "wrong"},
		{"github", "X-Hub-Signature-256: " + hex.EncodeToString(sign("a-secret", body)), body, "not signed"},
		{"shopify", "X-Shopify-Hmac-Sha256: " + base64.StdEncoding.EncodeToString(sign("a-secret", body)), body, ""},
		{"shopify", "X-Shopify-Hmac-Sha256: " + base64.StdEncoding.EncodeToString(sign("b-secret", body)), body, "wrong"},
		{"svix", standard("svix", "msg_1", at, body), body, ""},
		{"svix", standard("webhook", "msg_2", at, body), body, ""},
		{"svix", strings.Replace(standard("svix", "msg_3", at, body), "svix-id: msg_3", "svix-id: msg_4", 1), body, "wrong"},
		{"svix", standard("svix", "msg_5", at-301, body), body, "old"},
	} {
		a := s.request(t, "POST /v1/webhook?writeKey="+c.key+" HTTP/1.1\n"+c.head, c.body)
		switch {
		case c.fault == "":
			a.want(t, 200, "OK")
			good++
		case a.StatusCode != 401 || !strings.Contains(a.Text, `"reason":"bad_signature"`) || !strings.Contains(a.Text, c.fault):
			t.Errorf("%s %s: %d %s, want %s", c.key, c.head, a.StatusCode, a.Text, c.fault)
		default:
			refused++
		}
	}
	// No scheme signs a query.
	if a := s.request(t, "GET /v1/webhook?writeKey=ours&event=E HTTP/1.1\n"+timed("Touchline-Signature", "a-secret", at, ""), ""); a.StatusCode != 401 {
		t.Errorf("%d %s", a.StatusCode, a.Text)
	}
	if n := len(s.records(t)); n != good {
		t.Errorf("%d records of %d good requests", n, good)
	}
	if n := s.metric(t, "touchline_collector_events_total", "reason=bad_signature"); n < float64(refused) {
		t.Errorf("%v counted, %d refused", n, refused)
	}
}

func TestWebhookShapes(t *testing.T) {
	s := start(t)
	fresh := s.fresh()
	for _, c := range []struct {
		head, body string
		records    int
		key        string // of the last one
		reject     event.Reason
		context    string
	}{
		{"", `{"id":"evt_1","data":{"object":{"client_reference_id":"u-1","email":"x"}}}`, 1, "shop/u/u-1", "", ""},
		{"", `[{"event":"a"},{"event":"b","customer":{"id":42}}]`, 2, "shop/u/42", "", ""},
		{"", "{\"event\":\"a\"}\n{\"event\":\"b\",\"anonymous_id\":\"d\"}\n", 2, "shop/d/d", "", ""},
		{"", "event=call.completed&email=a%40b.example&From=%2B33", 1, "shop/u/a@b.example", "", ""},
		{"", "hello", 1, "shop/r/", event.MalformedJSON, ""},
		{"", "a b=c", 1, "shop/r/", event.MalformedJSON, ""},
		{"", "a=\xff", 1, "shop/r/", event.InvalidUTF8, ""},
		{"", "[1]", 1, "shop/r/", event.NotAnObject, ""},
		{"\nX-GitHub-Event: issues\nX-GitHub-Delivery: d-1", `{"action":"opened"}`, 1, "shop/m/", "", `{"x-github-delivery":"d-1","x-github-event":"issues"}`},
		{"\nX-Shopify-Topic: a\"b\nX-Shopify-Topic: c\nX-WC-Webhook-Topic: \"\\", `{}`, 1, "shop/r/", "", `{"x-wc-webhook-topic":"\"\\"}`},
	} {
		s.request(t, "POST /v1/webhook?writeKey=wk_test HTTP/1.1"+c.head, c.body).want(t, 200, "OK")
		records := fresh(t)
		if len(records) != c.records {
			t.Errorf("%q: %d records, want %d", c.body, len(records), c.records)
			continue
		}
		if r := records[len(records)-1]; !strings.HasPrefix(r.Key, c.key) || r.RejectReason != c.reject || string(r.Context) != c.context || r.Protocol != "webhook" {
			t.Errorf("%q: %+v", c.body, r)
		}
	}
	for _, head := range []string{
		"GET /v1/webhook?writeKey=wk_test&event=E&user_id=u HTTP/1.1", "POST /webhook/v1/webhook HTTP/1.1\nX-Write-Key: wk_test",
		"POST /v1/webhook HTTP/1.1\nAuthorization: Bearer wk_test", "POST /v1/webhook HTTP/1.1\nAuthorization: Basic d2tfdGVzdDo=",
	} {
		s.request(t, head, `{"user_id":"u"}`).want(t, 200, "OK")
	}
	s.request(t, "POST /v1/webhook?writeKey=wk_test HTTP/1.1", " ").want(t, 400, `{"reason":"unreadable_body","message":"the body is empty"}`)
	s.request(t, "POST /v1/webhook HTTP/1.1", "{}").want(t, 401, `{"reason":"unauthorized","message":"no write key that is known here"}`)
}

// A delivery that is sent again is recognised by its id, and each payload of it by
// its position.
func TestWebhookDeliveries(t *testing.T) {
	s := start(t)
	head := "POST /v1/webhook?writeKey=wk_test HTTP/1.1\nX-Shopify-Webhook-Id: b54557e4"
	for range 2 {
		s.request(t, head, `[{"event":"a"},{"event":"b"},{"id":"evt_7"}]`).want(t, 200, "OK")
	}
	byMID := map[string]int{}
	for _, r := range s.records(t) {
		byMID[r.MID]++
	}
	if len(byMID) != 3 || byMID[""] != 0 {
		t.Errorf("%d ids, %d events without one", len(byMID), byMID[""])
	}
	for _, n := range byMID {
		if n != 2 {
			t.Errorf("%v", byMID)
		}
	}
}
