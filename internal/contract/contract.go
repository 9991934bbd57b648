// Package contract checks the traffic of tests against the official description of an API, so that a client and a server of
// ours cannot share one misreading of it. It knows no API of its own, and it is for tests alone.
package contract

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"maps"
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
	// Stream judges replies of the type text/event-stream; one that is not whole was broken off.
	Stream func(d *Description, body string, whole bool) error
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
// an error of t. A request may break it where the reply says so, by a status from 400 to 499 other than 429. An exchange that
// either side breaks off is judged as far as it got: of a request all but the rest of its body, whether there is a reply or
// not; of a reply its status and header, and what is whole of its body.
func (d *Description) Check(t testing.TB, next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		q, body, cut := received(r)
		in, breach := d.request(q, body, cut)
		reply := httptest.NewRecorder()
		reply.Code = 0 // until there is one
		ended := false
		defer func() { // also when next ends the exchange by a panic, which goes on
			if err := d.judge(in, breach, body, reply, ended && !cut && r.Context().Err() == nil); err != nil {
				t.Errorf("%s %s: %v", r.Method, r.URL, err)
			}
			if ended {
				maps.Copy(w.Header(), reply.Header())
				w.WriteHeader(cmp.Or(reply.Code, http.StatusOK))
				_, _ = w.Write(reply.Body.Bytes())
			}
		}()
		next.ServeHTTP(reply, q)
		ended = true
	})
}

// CheckRequests returns a handler that serves as next does, which may break the contract, and reports every request that the
// contract does not allow as an error of t, whatever is replied.
func (d *Description) CheckRequests(t testing.TB, next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		q, body, cut := received(r)
		if _, err := d.request(q, body, cut); err != nil {
			t.Errorf("%s %s: %v", r.Method, r.URL, err)
		}
		next.ServeHTTP(w, q)
	})
}

// CheckSent is CheckRequests for a server that a transport stands for.
func (d *Description) CheckSent(t testing.TB, next http.RoundTripper) http.RoundTripper {
	return sent(func(r *http.Request) (*http.Response, error) {
		if r.Body == nil {
			r = r.WithContext(r.Context())
			r.Body = http.NoBody
		}
		q, body, cut := received(r)
		r.Body.Close()
		if _, err := d.request(q, body, cut); err != nil {
			t.Errorf("%s %s: %v", r.Method, r.URL, err)
		}
		return next.RoundTrip(q)
	})
}

type sent func(*http.Request) (*http.Response, error)

func (s sent) RoundTrip(r *http.Request) (*http.Response, error) { return s(r) }

// received reads the body of a request and returns the request with it in its place, and whether the client broke it off.
func received(r *http.Request) (q *http.Request, body []byte, cut bool) {
	body, err := io.ReadAll(r.Body)
	q = r.WithContext(r.Context()) // a handler must not change the one that it is given
	q.Body = io.NopCloser(bytes.NewReader(body))
	if err != nil {
		q.Body = io.NopCloser(io.MultiReader(bytes.NewReader(body), broken{err}))
	}
	return q, body, err != nil
}

// broken is a body that ends in an error.
type broken struct{ err error }

func (b broken) Read([]byte) (int, error) { return 0, b.err }

// request says what of a request breaks the contract. The first result is nil for a call that is not part of it.
func (d *Description) request(r *http.Request, body []byte, cut bool) (*openapi3filter.RequestValidationInput, error) {
	seen := r.Clone(context.Background())
	seen.URL.Path, seen.URL.RawPath = strings.TrimPrefix(seen.URL.Path, d.Prefix), strings.TrimPrefix(seen.URL.RawPath, d.Prefix)
	seen.Body = io.NopCloser(bytes.NewReader(body))
	route, params, err := d.router.FindRoute(seen)
	if err != nil {
		return nil, fmt.Errorf("this is not part of the contract: %w", err)
	}
	in := &openapi3filter.RequestValidationInput{Request: seen, PathParams: params, Route: route, Options: &openapi3filter.Options{
		AuthenticationFunc: openapi3filter.NoopAuthenticationFunc, IncludeResponseStatus: true, MultiError: true, ExcludeRequestBody: cut}}
	if err := openapi3filter.ValidateRequest(seen.Context(), in); err != nil {
		return in, fmt.Errorf("the request breaks the contract: %w", err)
	}
	return in, nil
}

// judge says what of an exchange breaks the contract: breach is what the request does; whole is false where either side broke off.
func (d *Description) judge(in *openapi3filter.RequestValidationInput, breach error, request []byte, reply *httptest.ResponseRecorder, whole bool) error {
	code, body, refused := cmp.Or(reply.Code, http.StatusOK), reply.Body.Bytes(), reply.Code >= 400
	switch {
	case in == nil, breach != nil && (!refused || code >= 500 || code == http.StatusTooManyRequests):
		if in != nil && whole && code < 300 {
			return fmt.Errorf("it was accepted, but %w", breach)
		}
		return breach
	case reply.Code == 0 && !whole:
		return nil // nobody has replied
	}
	opt := *in.Options
	opt.ExcludeResponseBody = !whole && !json.Valid(body)
	kind := reply.Header().Get("Content-Type")
	var err error
	switch {
	case refused && !opt.ExcludeResponseBody:
		err = d.Refusal(d, body)
	case refused:
	case kind == "text/event-stream":
		err = d.Stream(d, reply.Body.String(), whole)
	case kind == "application/json" || reply.Body.Len() == 0:
		if d.Plain != nil {
			body = d.Plain(request, body)
		}
		err = openapi3filter.ValidateResponse(context.Background(), &openapi3filter.ResponseValidationInput{RequestValidationInput: in,
			Status: code, Header: reply.Header(), Options: &opt, Body: io.NopCloser(bytes.NewReader(body))})
	}
	if err != nil {
		return fmt.Errorf("the reply %d breaks the contract: %w", code, err)
	}
	return nil
}
