package wiretest

import (
	"io"
	"log"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"testing"
)

// Front is the base URL of a checking proxy before the server at base, which ends in /v1, for the length of the test.
// An exchange that one side breaks off is passed on so far as it went, and not checked.
func Front(t testing.TB, base string) string {
	t.Helper()
	target, err := url.Parse(base)
	if err != nil {
		t.Fatal(err)
	}
	target.Path = ""
	proxy := httputil.NewSingleHostReverseProxy(target)
	proxy.ErrorLog = log.New(io.Discard, "", 0) // of clients that go away, as they should
	front := httptest.NewServer(Check(t, proxy))
	t.Cleanup(front.Close)
	return front.URL + "/v1"
}
