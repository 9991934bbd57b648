// Package wiretest checks the traffic of tests against the official description of the OpenAI API, so that client and
// server cannot share one misreading of it. It is for tests alone.
package wiretest

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"io"
	"math"
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

// description is the contract: its calls, and the forms of what they exchange.
type description struct {
	router  routers.Router
	schemas openapi3.Schemas
}

var contract = sync.OnceValues(func() (d description, err error) {
	doc, err := openapi3.NewLoader().LoadFromFile(filepath.Join(os.Getenv("TUNEGATE_TESTDATA"), "contracts", "openai-pruned.json"))
	if err != nil {
		return d, err
	}
	doc.Servers = openapi3.Servers{{URL: "/"}}
	for _, item := range doc.Paths.Map() {
		item.Servers = nil
		for _, op := range item.Operations() {
			op.Servers, op.Security = nil, nil
		}
	}
	d.schemas = doc.Components.Schemas
	d.router, err = gorillamux.NewRouter(doc)
	return d, err
})

// unchecked is said where the description of the API is not at hand.
const unchecked = "exchanges are not checked against the API description: TUNEGATE_TESTDATA is not set"

// Check returns a handler that serves as next does, below /v1, and reports every request and reply that the
// contract does not allow as an error of t: also the chunks of a stream, and the bodies of refusals, whatever their
// status. An exchange that the client breaks off is not checked. Without the folder that TUNEGATE_TESTDATA names it checks
// nothing and says so; TestExchangesAreChecked of this package is skipped then.
func Check(t testing.TB, next http.Handler) http.Handler {
	t.Helper()
	if os.Getenv("TUNEGATE_TESTDATA") == "" {
		t.Log(unchecked)
		return next
	}
	d, err := contract()
	if err != nil {
		t.Fatal(err)
	}
	opt := &openapi3filter.Options{AuthenticationFunc: openapi3filter.NoopAuthenticationFunc, IncludeResponseStatus: true, MultiError: true}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil { // the client went away in the middle of its request
			r.Body = io.NopCloser(io.MultiReader(bytes.NewReader(body), broken{err}))
			next.ServeHTTP(w, r)
			return
		}
		r.Body = io.NopCloser(bytes.NewReader(body))
		seen := r.Clone(context.Background())
		seen.URL.Path = strings.TrimPrefix(seen.URL.Path, "/v1")
		seen.Body = io.NopCloser(bytes.NewReader(body))
		route, params, err := d.router.FindRoute(seen)
		if err != nil {
			t.Errorf("%s %s is not part of the contract: %v", r.Method, r.URL, err)
			next.ServeHTTP(w, r)
			return
		}
		in := &openapi3filter.RequestValidationInput{Request: seen, PathParams: params, Route: route, Options: opt}
		requestErr := openapi3filter.ValidateRequest(r.Context(), in)
		reply := httptest.NewRecorder()
		next.ServeHTTP(reply, r)
		if r.Context().Err() != nil {
			return // nobody waits for the reply, and next may have left it unfinished
		}
		kind := reply.Header().Get("Content-Type")
		var replyErr error
		switch {
		case reply.Code >= 400:
			replyErr = d.visit("ErrorResponse", reply.Body.Bytes())
		case requestErr != nil:
			t.Errorf("%s %s was accepted, but the request breaks the contract: %v", r.Method, r.URL, requestErr)
		case kind == "text/event-stream":
			replyErr = d.stream(reply.Body.String())
		case kind == "application/json":
			replyErr = openapi3filter.ValidateResponse(r.Context(), &openapi3filter.ResponseValidationInput{RequestValidationInput: in,
				Status: reply.Code, Header: reply.Header(), Options: opt, Body: io.NopCloser(bytes.NewReader(asNumbers(body, reply.Body.Bytes())))})
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

// asNumbers returns a reply with the vectors of embeddings as numbers. The contract lets a request ask for base64, as the official
// Python client does unasked, and has only numbers in its reply.
func asNumbers(request, reply []byte) []byte {
	var asked struct {
		Format string `json:"encoding_format"`
	}
	var told map[string]any
	if json.Unmarshal(request, &asked) != nil || asked.Format != "base64" || json.Unmarshal(reply, &told) != nil {
		return reply
	}
	data, _ := told["data"].([]any)
	for _, d := range data {
		e, _ := d.(map[string]any)
		coded, isText := e["embedding"].(string)
		raw, err := base64.StdEncoding.DecodeString(coded)
		if !isText || err != nil || len(raw)%4 != 0 {
			return reply
		}
		vector := make([]float32, len(raw)/4)
		for i := range vector {
			vector[i] = math.Float32frombits(binary.LittleEndian.Uint32(raw[4*i:]))
		}
		e["embedding"] = vector
	}
	numbers, err := json.Marshal(told)
	if err != nil { // not a number
		return reply
	}
	return numbers
}

// broken is a body that ends in an error.
type broken struct{ err error }

func (b broken) Read([]byte) (int, error) { return 0, b.err }

// visit checks JSON against a schema of the contract.
func (d description) visit(schema string, body []byte) error {
	var v any
	if err := json.Unmarshal(body, &v); err != nil {
		return fmt.Errorf("%.200q: %w", body, err)
	}
	return d.schemas[schema].Value.VisitJSON(v)
}

// stream checks the chunks of a chat completion, and that the last word is [DONE].
func (d description) stream(body string) error {
	events := strings.Split(strings.TrimSuffix(body, "\n\n"), "\n\n")
	for i, e := range events {
		data, ok := strings.CutPrefix(e, "data: ")
		last := i == len(events)-1
		if !ok || last != (data == "[DONE]") {
			return fmt.Errorf("event %d of %d of the stream is %.200q", i+1, len(events), e)
		}
		if last {
			break
		}
		if err := d.visit("CreateChatCompletionStreamResponse", []byte(data)); err != nil {
			return fmt.Errorf("event %d of %d of the stream: %w", i+1, len(events), err)
		}
	}
	return nil
}
