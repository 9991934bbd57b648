// Package wiretest checks the traffic of tests against the official description of the OpenAI API, so that client and
// server cannot share one misreading of it. It is for tests alone.
package wiretest

import (
	"bytes"
	"context"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/getkin/kin-openapi/openapi3filter"
	"github.com/getkin/kin-openapi/routers"
	"github.com/getkin/kin-openapi/routers/gorillamux"
)

var contract = sync.OnceValues(func() (routers.Router, error) {
	doc, err := openapi3.NewLoader().LoadFromFile(filepath.Join(os.Getenv("TUNEGATE_TESTDATA"), "contracts", "openai-pruned.json"))
	if err != nil {
		return nil, err
	}
	doc.Servers = openapi3.Servers{{URL: "/"}}
	for _, item := range doc.Paths.Map() {
		item.Servers = nil
		for _, op := range item.Operations() {
			op.Servers, op.Security = nil, nil
		}
	}
	return gorillamux.NewRouter(doc)
})

// Check returns a handler that serves as next does, below /v1, and reports every request and reply that the
// contract does not allow as an error of t. Without the folder that TUNEGATE_TESTDATA names it checks nothing and says so.
// Replies of 4xx and 5xx are not checked, since the description lists hardly any.
func Check(t testing.TB, next http.Handler) http.Handler {
	t.Helper()
	if os.Getenv("TUNEGATE_TESTDATA") == "" {
		t.Log("TUNEGATE_TESTDATA is not set: the exchanges are not checked against the contract")
		return next
	}
	router, err := contract()
	if err != nil {
		t.Fatal(err)
	}
	opt := &openapi3filter.Options{AuthenticationFunc: openapi3filter.NoopAuthenticationFunc, IncludeResponseStatus: true, MultiError: true}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			t.Errorf("%s %s: reading the request: %v", r.Method, r.URL, err)
		}
		r.Body = io.NopCloser(bytes.NewReader(body))
		seen := r.Clone(context.Background())
		seen.URL.Path = strings.TrimPrefix(seen.URL.Path, "/v1")
		seen.Body = io.NopCloser(bytes.NewReader(body))
		route, params, err := router.FindRoute(seen)
		if err != nil {
			t.Errorf("%s %s is not part of the contract: %v", r.Method, r.URL, err)
			next.ServeHTTP(w, r)
			return
		}
		in := &openapi3filter.RequestValidationInput{Request: seen, PathParams: params, Route: route, Options: opt}
		requestErr := openapi3filter.ValidateRequest(r.Context(), in)
		reply := httptest.NewRecorder()
		next.ServeHTTP(reply, r)
		if reply.Code < 400 {
			if requestErr != nil {
				t.Errorf("%s %s was accepted, but the request breaks the contract: %v", r.Method, r.URL, requestErr)
			}
			if reply.Header().Get("Content-Type") == "application/json" {
				out := &openapi3filter.ResponseValidationInput{RequestValidationInput: in, Status: reply.Code, Header: reply.Header(), Options: opt,
					Body: io.NopCloser(bytes.NewReader(reply.Body.Bytes()))}
				if err := openapi3filter.ValidateResponse(r.Context(), out); err != nil {
					t.Errorf("%s %s: the reply breaks the contract: %v", r.Method, r.URL, err)
				}
			}
		}
		for k, v := range reply.Header() {
			w.Header()[k] = v
		}
		w.WriteHeader(reply.Code)
		_, _ = w.Write(reply.Body.Bytes())
	})
}
