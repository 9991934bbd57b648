// Package localtune is a fine-tuning service in a process: an http.Handler that speaks the OpenAI wire contract
// (files, uploads in parts, fine-tuning jobs, models, chat completions, embeddings) and really trains a small model, on
// one core, in seconds. It is no language model: a tuned model repeats, copies or looks up what its training data taught
// it, and the base model answers from the words of the prompt alone.
//
// All state is in one folder, so a job outlives the process: a server opened on the folder again trains on.
package localtune

import (
	"crypto/subtle"
	"errors"
	"fmt"
	"net/http"
	"path"
	"strconv"
	"strings"
	"sync"
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
	Latency   time.Duration // added before each reply; ends with the request
	StepDelay time.Duration // added after each reported training step; ends with the job
	Parallel  int           // trainings at once; 0 means one a core
	// Log is given a line for each request, of printable characters alone; it is called by many goroutines at once.
	Log func(line string)
}

// Server is the service. Its methods are safe for concurrent use.
type Server struct {
	opt        Options
	mux        *http.ServeMux
	store      *store
	runner     *runner
	models     *modelCache
	counts     *tokenCounts
	base       engine.Untrained
	origins    http.CrossOriginProtection
	bodies     sync.Pool    // of *bytes.Buffer
	assembling sync.Mutex   // held while an upload of parts is completed or cancelled
	requests   atomic.Int64 // so far, for their ids
}

// Open opens or creates the state folder and goes on with the jobs that were not finished. Only one Server at a
// time can have a folder open; the error of another wraps journal.ErrLocked.
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
	if err := s.runner.resume(); err != nil {
		return nil, errors.Join(fmt.Errorf("going on with unfinished jobs: %w", err), s.Close())
	}
	return s, nil
}

// Unfinished returns how many jobs have not ended; the next Open on the folder goes on with them.
func (s *Server) Unfinished() int {
	n := 0
	for _, j := range s.store.allJobs() {
		if !j.final() {
			n++
		}
	}
	return n
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
		"POST /v1/uploads":                          s.createUpload,
		"POST /v1/uploads/{id}/parts":               s.addPart,
		"POST /v1/uploads/{id}/complete":            s.completeUpload,
		"POST /v1/uploads/{id}/cancel":              s.cancelUpload,
		"POST /v1/fine_tuning/jobs":                 s.createJob,
		"GET /v1/fine_tuning/jobs":                  s.listJobs,
		"GET /v1/fine_tuning/jobs/{id}":             s.getJob,
		"POST /v1/fine_tuning/jobs/{id}/cancel":     s.cancelJob,
		"GET /v1/fine_tuning/jobs/{id}/events":      s.listEvents,
		"GET /v1/fine_tuning/jobs/{id}/checkpoints": s.listCheckpoints,
		"GET /v1/models":                            s.listModels,
		"GET /v1/models/{id}":                       s.getModel,
		"DELETE /v1/models/{id}":                    s.deleteModel,
		"POST /v1/chat/completions":                 s.chat,
		"POST /v1/embeddings":                       s.embeddings,
		everything:                                  s.unknown,
	} {
		s.mux.HandleFunc(pattern, func(w http.ResponseWriter, r *http.Request) {
			if err := serve(w, r); err != nil {
				refuse(w, err)
			}
		})
	}
}

// everything is the pattern of what no other one matches.
const everything = "/"

// unknown refuses a path that is not served, or not with that method.
func (s *Server) unknown(w http.ResponseWriter, r *http.Request) error {
	var allowed []string
	for _, method := range []string{"GET", "POST", "DELETE"} {
		if _, pattern := s.mux.Handler(&http.Request{Method: method, Host: r.Host, URL: r.URL}); pattern != everything {
			allowed = append(allowed, method)
		}
	}
	if len(allowed) == 0 {
		return unknownURL(r)
	}
	w.Header().Set("Allow", strings.Join(allowed, ", "))
	return &apiError{http.StatusMethodNotAllowed, "invalid_request_error", "", "method_not_supported", "Not allowed to " + r.Method + " on " + r.URL.Path}
}

func unknownURL(r *http.Request) error {
	return &apiError{http.StatusNotFound, "invalid_request_error", "", "unknown_url", "Unknown request URL: " + r.Method + " " + r.URL.Path}
}

// ServeHTTP implements http.Handler.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	began := time.Now()
	seen := &statusWriter{ResponseWriter: w, status: http.StatusOK}
	w.Header().Set("X-Request-Id", "req_local"+strconv.FormatInt(s.requests.Add(1), 10))
	if s.waited(r) {
		s.serve(seen, r)
	} else {
		seen.status, seen.err = 499, errors.New("the client went away")
	}
	if s.opt.Log == nil {
		return
	}
	line := fmt.Sprintf("%s %s %d %s", r.Method, r.URL.RequestURI(), seen.status, time.Since(began).Round(time.Microsecond))
	if seen.err != nil {
		line += ": " + seen.err.Error()
	}
	s.opt.Log(printable(line))
}

// waited is whether the client is still there after the latency.
func (s *Server) waited(r *http.Request) bool {
	if s.opt.Latency <= 0 {
		return true
	}
	select {
	case <-time.After(s.opt.Latency):
		return true
	case <-r.Context().Done():
		return false
	}
}

func (s *Server) serve(w http.ResponseWriter, r *http.Request) {
	switch p := r.URL.EscapedPath(); {
	case !s.authorised(r):
		refuse(w, &apiError{http.StatusUnauthorized, "invalid_request_error", "", "invalid_api_key", "Incorrect API key provided."})
	case s.origins.Check(r) != nil: // with no key, any page in a browser could otherwise fill the disk
		refuse(w, &apiError{http.StatusForbidden, "invalid_request_error", "", "cross_origin", "Requests that a page of another origin makes are not served."})
	case path.Clean(p) != p: // the multiplexer would redirect, which no client of the contract expects
		refuse(w, unknownURL(r))
	default:
		s.mux.ServeHTTP(w, r)
	}
}

func (s *Server) authorised(r *http.Request) bool {
	if s.opt.Key == "" {
		return true
	}
	token, _ := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer ")
	return subtle.ConstantTimeCompare([]byte(token), []byte(s.opt.Key)) == 1
}

// statusWriter remembers what is logged.
type statusWriter struct {
	http.ResponseWriter
	status int
	err    error
}

func (w *statusWriter) WriteHeader(status int) {
	w.status = status
	w.ResponseWriter.WriteHeader(status)
}

// Unwrap lets http.ResponseController reach the real writer.
func (w *statusWriter) Unwrap() http.ResponseWriter { return w.ResponseWriter }
