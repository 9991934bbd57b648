// Package localtune is a fine-tuning service in a process: an http.Handler that speaks the OpenAI wire contract
// (files, fine-tuning jobs, models, chat completions, embeddings) and really trains a small model, on one core, in
// seconds. It is no language model: a tuned model repeats, copies or looks up what its training data taught it,
// and the base model answers from the words of the prompt alone.
//
// All state is in one folder, so a job outlives the process: a server opened on the folder again trains on.
package localtune

import (
	"crypto/subtle"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"sync/atomic"
	"time"

	"github.com/tunegate/tunegate/internal/localtune/engine"
)

// BaseModel is the name of the untrained model, and the only one that can be tuned.
const BaseModel = "local-zero-shot"

// embeddingModel is the name under which the hashed n-gram embedding is served.
const embeddingModel = "local-embedding"

// Options of a Server. The zero value serves on loopback terms: any key, no delay, no log.
type Options struct {
	Key       string        // bearer token that requests must bear; "" accepts all
	Latency   time.Duration // added before each reply
	StepDelay time.Duration // added after each reported training step
	Parallel  int           // trainings at once; 0 means one a core
	Log       func(line string)
}

// Server is the service. Its methods are safe for concurrent use.
type Server struct {
	opt    Options
	mux    *http.ServeMux
	store  *store
	runner *runner
	models *modelCache
	counts *tokenCounts
	base   engine.Untrained
	chats  atomic.Int64 // replies so far
}

// Open opens or creates the state folder and goes on with the jobs that were not finished. Only one Server at a
// time can have a folder open.
func Open(dir string, opt Options) (*Server, error) {
	st, err := openStore(dir)
	if err != nil {
		return nil, fmt.Errorf("opening the state of the local engine: %w", err)
	}
	counts, err := newTokenCounts()
	if err != nil {
		return nil, errors.Join(err, st.close())
	}
	s := &Server{opt: opt, store: st, models: newModelCache(st), counts: counts}
	s.runner = newRunner(st, counts, opt)
	s.routes()
	s.runner.resume()
	return s, nil
}

// Close stops the trainings, which the next Open on the folder takes up again, and releases the folder.
func (s *Server) Close() error {
	s.runner.stop()
	return s.store.close()
}

func (s *Server) routes() {
	s.mux = http.NewServeMux()
	for pattern, serve := range map[string]func(http.ResponseWriter, *http.Request) error{
		"POST /v1/files":                            s.uploadFile,
		"GET /v1/files":                             s.listFiles,
		"GET /v1/files/{id}":                        s.getFile,
		"DELETE /v1/files/{id}":                     s.deleteFile,
		"GET /v1/files/{id}/content":                s.fileContent,
		"POST /v1/fine_tuning/jobs":                 s.createJob,
		"GET /v1/fine_tuning/jobs":                  s.listJobs,
		"GET /v1/fine_tuning/jobs/{id}":             s.getJob,
		"POST /v1/fine_tuning/jobs/{id}/cancel":     s.cancelJob,
		"GET /v1/fine_tuning/jobs/{id}/events":      s.listEvents,
		"GET /v1/fine_tuning/jobs/{id}/checkpoints": s.listCheckpoints,
		"GET /v1/models":                            s.listModels,
		"GET /v1/models/{id}":                       s.getModel,
		"POST /v1/chat/completions":                 s.chat,
		"POST /v1/embeddings":                       s.embeddings,
		"/": func(_ http.ResponseWriter, r *http.Request) error {
			return &apiError{http.StatusNotFound, "invalid_request_error", "", "unknown_url", "Unknown request URL: " + r.Method + " " + r.URL.Path}
		},
	} {
		s.mux.HandleFunc(pattern, func(w http.ResponseWriter, r *http.Request) {
			if err := serve(w, r); err != nil {
				writeError(w, err)
			}
		})
	}
}

// ServeHTTP implements http.Handler.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	began := time.Now()
	seen := &statusWriter{ResponseWriter: w, status: http.StatusOK}
	if s.opt.Latency > 0 {
		select {
		case <-time.After(s.opt.Latency):
		case <-r.Context().Done():
			return
		}
	}
	if s.authorised(r) {
		s.mux.ServeHTTP(seen, r)
	} else {
		writeError(seen, &apiError{http.StatusUnauthorized, "invalid_request_error", "", "invalid_api_key", "Incorrect API key provided."})
	}
	if s.opt.Log != nil {
		s.opt.Log(fmt.Sprintf("%s %s %d %s", r.Method, r.URL.RequestURI(), seen.status, time.Since(began).Round(time.Microsecond)))
	}
}

func (s *Server) authorised(r *http.Request) bool {
	if s.opt.Key == "" {
		return true
	}
	token, _ := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer ")
	return subtle.ConstantTimeCompare([]byte(token), []byte(s.opt.Key)) == 1
}

type statusWriter struct {
	http.ResponseWriter
	status int
}

func (w *statusWriter) WriteHeader(status int) {
	w.status = status
	w.ResponseWriter.WriteHeader(status)
}

// Unwrap lets http.ResponseController reach the real writer.
func (w *statusWriter) Unwrap() http.ResponseWriter { return w.ResponseWriter }

// apiError is an error in the contract's form.
type apiError struct {
	status                     int
	kind, param, code, message string
}

func (e *apiError) Error() string { return e.message }

func invalid(param, format string, args ...any) error {
	return &apiError{http.StatusBadRequest, "invalid_request_error", param, "invalid_value", fmt.Sprintf(format, args...)}
}

func notFound(what, id string) error {
	return &apiError{http.StatusNotFound, "invalid_request_error", "id", "not_found", fmt.Sprintf("No such %s: %s", what, id)}
}

func writeError(w http.ResponseWriter, err error) {
	var e *apiError
	if !errors.As(err, &e) {
		e = &apiError{http.StatusInternalServerError, "server_error", "", "internal_error", err.Error()}
	}
	writeJSON(w, e.status, map[string]any{"error": map[string]any{
		"message": e.message, "type": e.kind, "param": orNull(e.param), "code": orNull(e.code),
	}})
}

func writeJSON(w http.ResponseWriter, status int, v any) {
	body, err := json.Marshal(v)
	if err != nil {
		status, body = http.StatusInternalServerError, []byte(`{"error":{"message":"the reply could not be encoded","type":"server_error","param":null,"code":null}}`)
	}
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_, _ = w.Write(body) // a client that is gone needs no reply
}

func orNull[T comparable](v T) any {
	var zero T
	if v == zero {
		return nil
	}
	return v
}

// readJSON decodes a request body of at most 16 MiB.
func readJSON(w http.ResponseWriter, r *http.Request, into any) error {
	d := json.NewDecoder(http.MaxBytesReader(w, r.Body, 16<<20))
	d.UseNumber()
	if err := d.Decode(into); err != nil {
		var tooLong *http.MaxBytesError
		if errors.As(err, &tooLong) {
			return &apiError{http.StatusRequestEntityTooLarge, "invalid_request_error", "", "request_too_large", "The request is longer than 16 MiB."}
		}
		return invalid("", "The body is not the JSON that this call takes: %v", err)
	}
	return nil
}

// page cuts a list that is newest first to what the query's after and limit ask for.
func page[T any](r *http.Request, all []T, id func(T) string, limit, most int) (part []T, more bool, err error) {
	q := r.URL.Query()
	if text := q.Get("limit"); text != "" {
		if _, err := fmt.Sscanf(text, "%d", &limit); err != nil || limit < 1 {
			return nil, false, invalid("limit", "limit %q is not a positive number", text)
		}
		limit = min(limit, most)
	}
	if after := q.Get("after"); after != "" {
		at := -1
		for i, v := range all {
			if id(v) == after {
				at = i
			}
		}
		if at < 0 {
			return nil, false, notFound("object to page after", after)
		}
		all = all[at+1:]
	}
	if len(all) > limit {
		return all[:limit], true, nil
	}
	return all, false, nil
}

func list[T any](data []T, more bool) map[string]any {
	if data == nil {
		data = []T{}
	}
	return map[string]any{"object": "list", "data": data, "has_more": more}
}
