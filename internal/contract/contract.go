// Package contract checks the traffic of tests against the official description of an API, so that a client and a server of
// ours cannot share one misreading of it. It knows no API of its own, and it is for tests alone.
package contract

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/getkin/kin-openapi/openapi3filter"
	"github.com/getkin/kin-openapi/routers"
	"github.com/getkin/kin-openapi/routers/gorillamux"
)

// Unchecked is said where the descriptions are not at hand.
const Unchecked = "exchanges are not checked against the API description: TUNEGATE_TESTDATA is not set"

// AtHand reports whether there is a folder of descriptions. Without it nothing is checked; with it, whatever is missing fails.
func AtHand() bool { return os.Getenv("TUNEGATE_TESTDATA") != "" }

// Description is a contract: an API's calls, and the forms of what they exchange. It may be used by several goroutines.
type Description struct {
	Prefix string // of the paths that are served, ahead of those of the description

	// Refusal judges replies with a status of 400 and above, which descriptions leave out for the most part.
	Refusal func(d *Description, body []byte) error
	// Stream judges replies of the type text/event-stream.
	Stream func(d *Description, body string) error
	// Plain, if not nil, writes a JSON reply to a request as the description has it, where it leaves out a form that the request may ask
	// for.
	Plain func(request, reply []byte) []byte

	router  routers.Router
	schemas openapi3.Schemas
}

// Load reads a description from the folder contracts of the one that TUNEGATE_TESTDATA names. Mend, which may be nil, puts
// right what a description has wrong, before it is used.
func Load(file string, mend func(*openapi3.T)) (*Description, error) {
	doc, err := openapi3.NewLoader().LoadFromFile(filepath.Join(os.Getenv("TUNEGATE_TESTDATA"), "contracts", file))
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
	if mend != nil {
		mend(doc)
	}
	router, err := gorillamux.NewRouter(doc)
	if err != nil {
		return nil, err
	}
	return &Description{router: router, schemas: doc.Components.Schemas}, nil
}

// Visit checks JSON against a schema of the description.
func (d *Description) Visit(schema string, body []byte) error {
	var v any
	if err := json.Unmarshal(body, &v); err != nil {
		return fmt.Errorf("%.200q: %w", body, err)
	}
	return d.schemas[schema].Value.VisitJSON(v)
}

// Check returns a handler that serves as next does, and reports every request and reply that the contract does not allow as
// an error of t. A request that is refused may break it. An exchange that the client breaks off is not checked.
func (d *Description) Check(t testing.TB, next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil { // the client went away in the middle of its request
			r.Body = io.NopCloser(io.MultiReader(bytes.NewReader(body), broken{err}))
			next.ServeHTTP(w, r)
			return
		}
		r.Body = io.NopCloser(bytes.NewReader(body))
		seen := r.Clone(context.Background())
		seen.URL.Path = strings.TrimPrefix(seen.URL.Path, d.Prefix)
		seen.Body = io.NopCloser(bytes.NewReader(body))
		route, params, err := d.router.FindRoute(seen)
		if err != nil {
			t.Errorf("%s %s is not part of the contract: %v", r.Method, r.URL, err)
			next.ServeHTTP(w, r)
			return
		}
		opt := &openapi3filter.Options{AuthenticationFunc: openapi3filter.NoopAuthenticationFunc, IncludeResponseStatus: true, MultiError: true}
		in := &openapi3filter.RequestValidationInput{Request: seen, PathParams: params, Route: route, Options: opt}
		requestErr := openapi3filter.ValidateRequest(r.Context(), in)
		reply := httptest.NewRecorder()
		next.ServeHTTP(reply, r)
		if r.Context().Err() != nil {
			return // nobody waits for the reply, and next may have left it unfinished
		}
		var replyErr error
		switch kind := reply.Header().Get("Content-Type"); {
		case reply.Code >= 400:
			replyErr = d.Refusal(d, reply.Body.Bytes())
		case requestErr != nil:
			t.Errorf("%s %s was accepted, but the request breaks the contract: %v", r.Method, r.URL, requestErr)
		case kind == "text/event-stream":
			replyErr = d.Stream(d, reply.Body.String())
		case kind == "application/json" || reply.Body.Len() == 0:
			said := reply.Body.Bytes()
			if d.Plain != nil {
				said = d.Plain(body, said)
			}
			replyErr = openapi3filter.ValidateResponse(r.Context(), &openapi3filter.ResponseValidationInput{RequestValidationInput: in,
				Status: reply.Code, Header: reply.Header(), Options: opt, Body: io.NopCloser(bytes.NewReader(said))})
		}
		if replyErr != nil {
			t.Errorf("%s %s: the reply %d breaks the contract: %v", r.Method, r.URL, reply.Code, replyErr)
		}
		for k, v := range reply.Header() {
			w.Header()[k] = v
		}
		w.WriteHeader(reply.Code)
		_, _ = w.Write(reply.Body.Bytes())
	})
}

// broken is a body that ends in an error.
type broken struct{ err error }

func (b broken) Read([]byte) (int, error) { return 0, b.err }
