package openaiapi

import (
	"encoding/json"
	"io"
	"net/http"
	"strings"
	"testing"
	"unicode"
)

// Whatever a service sends, nothing breaks, and what is shown of it is one line of bounded length.
func FuzzReply(f *testing.F) {
	for _, seed := range []string{
		`{"error":{"message":"no","type":"invalid_request_error","code":"x","param":"model"}}`, `{"error":{"message":["a",{"b":1}],"code":7,"param":null}}`,
		`{"detail":"no"}`, "<html>\x1b[31m\r\n::error::", `{"error":null}`, "\xff\xfe",
		`{"id":"j","status":"failed","error":{"code":"a","message":"b"},"metadata":{"tunegate_attempt":"2","tunegate_run_key":"k"},"fine_tuned_model":"ft:a:b:c-0123456789ab:d"}`,
		`{"status":"succeeded","created_at":-1,"finished_at":9e15,"estimated_finish":1,"suffix":"-0123456789ab","error":[]}`,
	} {
		f.Add(seed, "1")
	}
	f.Fuzz(func(t *testing.T, body, header string) {
		shown := func(texts ...string) {
			for _, s := range texts {
				if strings.ContainsFunc(s, func(r rune) bool { return !unicode.IsPrint(r) }) || len(s) > 4*(maxText+50) {
					t.Errorf("shown: %q", s)
				}
			}
		}
		e := readError(&http.Response{StatusCode: 400, Header: http.Header{"X-Request-Id": {header}, "Retry-After": {header}}, Body: io.NopCloser(strings.NewReader(body))}, func(s string) string { return s })
		shown(e.Error(), e.Message, e.Code, e.Param, e.Type, e.RequestID)
		if e.RetryAfter < 0 {
			t.Errorf("to be asked again after %v", e.RetryAfter)
		}
		_, _ = e.temporary(), e.full()
		var j job
		if json.Unmarshal([]byte(body), &j) != nil {
			return
		}
		_ = json.Unmarshal([]byte(body), new(page[entry]))
		_ = json.Unmarshal([]byte(body), new(event))
		state := j.state()
		shown(state.Code, state.Error, state.ID, state.Model)
		j.bears("0123456789abcdef")
		if known := j.Status == "failed" || j.Status == "succeeded" || j.Status == "cancelled"; state.Status.Final() != known {
			t.Errorf("%q is final: %t", j.Status, !known)
		}
	})
}
