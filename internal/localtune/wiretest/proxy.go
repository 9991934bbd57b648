package wiretest

import (
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"testing"
)

// Proxy is the address of an HTTP proxy that checks what it carries, for the length of the test. It takes requests to any
// server, so that a program in a process of its own can be led through it, whatever it talks to. Where a server cannot be reached or
// breaks off, the proxy breaks off too. It is "", for none, where Check checks nothing.
func Proxy(t testing.TB) string {
	t.Helper()
	if atHand(t) == nil {
		return ""
	}
	through := &http.Transport{MaxIdleConnsPerHost: 64}
	proxy := httptest.NewServer(Check(t, &httputil.ReverseProxy{
		Rewrite:      func(*httputil.ProxyRequest) {}, // it says itself where it goes
		Transport:    through,
		ErrorLog:     log.New(io.Discard, "", 0), // of those that break off
		ErrorHandler: func(http.ResponseWriter, *http.Request, error) { panic(http.ErrAbortHandler) },
	}))
	t.Cleanup(func() {
		proxy.Close()
		through.CloseIdleConnections()
	})
	return proxy.URL
}

// Client is a client that sends all its requests through a Proxy, if there is one.
func Client(t testing.TB) *http.Client {
	t.Helper()
	way := &http.Transport{}
	if proxy := Proxy(t); proxy != "" {
		address, err := url.Parse(proxy)
		if err != nil {
			t.Fatal(err)
		}
		way.Proxy = http.ProxyURL(address)
	}
	t.Cleanup(way.CloseIdleConnections)
	return &http.Client{Transport: way}
}
