package openaiapi_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/iotest"

	"github.com/tunegate/tunegate/internal/localtune"
	"github.com/tunegate/tunegate/internal/localtune/wiretest"
	"github.com/tunegate/tunegate/internal/train"
	"github.com/tunegate/tunegate/internal/train/traintest"
)

// gate is a service whose requests are noted, and met by trouble.
type gate struct {
	next    http.Handler
	trouble func(w http.ResponseWriter, r *http.Request, call string, nth int) bool // true: answered

	mu    sync.Mutex
	calls []string
}

func (g *gate) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	path := strings.Split(strings.TrimPrefix(r.URL.Path, "/v1/"), "/")
	call := path[0]
	if len(path) > 2 {
		call = path[2]
	}
	g.mu.Lock()
	g.calls = append(g.calls, r.Method+" "+call)
	nth := 0
	for _, c := range g.calls {
		if c == r.Method+" "+call {
			nth++
		}
	}
	g.mu.Unlock()
	if g.trouble != nil && g.trouble(w, r, r.Method+" "+call, nth) {
		return
	}
	g.next.ServeHTTP(w, r)
}

// cut ends the connection without a reply.
func cut(w http.ResponseWriter) {
	if conn, _, err := w.(http.Hijacker).Hijack(); err == nil {
		conn.Close()
	}
}

// content returns what the server holds under a file's id.
func content(t *testing.T, server http.Handler, id string) string {
	t.Helper()
	reply := httptest.NewRecorder()
	q := httptest.NewRequest(http.MethodGet, "/v1/files/"+id+"/content", nil)
	q.Header.Set("Authorization", "Bearer sk-test")
	server.ServeHTTP(reply, q)
	if reply.Code != http.StatusOK {
		t.Fatalf("content of %q: %d %s", id, reply.Code, reply.Body)
	}
	return reply.Body.String()
}

func text(t *testing.T, f train.File) string {
	t.Helper()
	r, err := f.Open()
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	b, err := io.ReadAll(r)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// A file above the limit of one request arrives whole, whatever happens on the way, and every exchange is what the contract
// allows.
func TestUploadInParts(t *testing.T) {
	refuse := func(w http.ResponseWriter, r *http.Request, status int) bool {
		_, _ = io.CopyN(io.Discard, r.Body, 100) // in the middle of it
		w.Header().Set("Content-Type", "application/json")
		w.Header().Set("Retry-After", "0.01")
		w.WriteHeader(status)
		fmt.Fprint(w, `{"error":{"message":"try later","type":"server_error","code":null,"param":null}}`)
		return true
	}
	const parts = "POST parts POST parts POST parts POST parts "
	for name, c := range map[string]struct {
		trouble func(w http.ResponseWriter, r *http.Request, call string, nth int) bool
		calls   string
	}{
		"nothing happens": {nil, "GET files POST uploads " + parts + "POST complete"},
		"a part fails twice": {func(w http.ResponseWriter, r *http.Request, call string, nth int) bool {
			return call == "POST parts" && (nth == 2 || nth == 3) && refuse(w, r, 503)
		}, "GET files POST uploads POST parts POST parts " + parts + "POST complete"},
		"the line is cut in a part": {func(w http.ResponseWriter, r *http.Request, call string, nth int) bool {
			if call == "POST parts" && nth == 1 {
				cut(w)
				return true
			}
			return false
		}, "GET files POST uploads POST parts " + parts + "POST complete"},
		"the upload is announced in vain": {func(w http.ResponseWriter, r *http.Request, call string, nth int) bool {
			return call == "POST uploads" && nth == 1 && refuse(w, r, 429)
		}, "GET files POST uploads POST uploads " + parts + "POST complete"},
		"there are no uploads": {func(w http.ResponseWriter, r *http.Request, call string, nth int) bool {
			return call == "POST uploads" && refuse(w, r, 404)
		}, "GET files POST uploads POST files"},
	} {
		t.Run(name, func(t *testing.T) {
			e := engine(t, localtune.Options{Key: "sk-test"})
			g := &gate{next: wiretest.Check(t, e), trouble: c.trouble}
			cl := client(t, g)
			f := traintest.Examples("large.jsonl", 40)
			cl.Split(f.Size-1, f.Size/4+1)
			id, err := cl.Upload(t.Context(), f)
			if err != nil {
				t.Fatal(err)
			}
			if got := strings.Join(g.calls, " "); got != c.calls {
				t.Errorf("calls %s\nwant  %s", got, c.calls)
			}
			if got := content(t, e, id); got != text(t, f) {
				t.Errorf("%d bytes arrived, not the %d that were sent", len(got), f.Size)
			}
			if again, err := cl.Upload(t.Context(), f); err != nil || again != id {
				t.Errorf("again %q, %v, want %q", again, err, id)
			}
		})
	}
}

// The reply to the last call is lost: the file is there, and is not sent again.
func TestUploadWhoseEndIsLost(t *testing.T) {
	e := engine(t, localtune.Options{Key: "sk-test"})
	g := &gate{next: e, trouble: func(w http.ResponseWriter, r *http.Request, call string, nth int) bool {
		if call != "POST complete" {
			return false
		}
		e.ServeHTTP(httptest.NewRecorder(), r)
		cut(w)
		return true
	}}
	cl := client(t, g)
	f := traintest.Examples("large.jsonl", 40)
	cl.Split(1000, f.Size/2+1)
	id, err := cl.Upload(t.Context(), f)
	if err != nil || content(t, e, id) != text(t, f) {
		t.Errorf("%q, %v", id, err)
	}
	if got, want := strings.Join(g.calls, " "), "GET files POST uploads POST parts POST parts POST complete GET files"; got != want {
		t.Errorf("calls %s\nwant  %s", got, want)
	}
}

// An upload that fails for good is given up, and says where it failed.
func TestUploadIsGivenUp(t *testing.T) {
	f := traintest.Examples("large.jsonl", 40)
	torn := f
	torn.Open = func() (io.ReadCloser, error) {
		return io.NopCloser(io.MultiReader(strings.NewReader(text(t, f)[:1500]), iotest.ErrReader(errors.New("disk on fire")))), nil
	}
	for name, c := range map[string]struct {
		file train.File
		call string
		body string // of the refusal
		want []string
	}{
		"a part is refused":        {f, "POST parts", `{"error":{"message":"no more of that","code":"too_bad","param":"data"}}`, []string{"bytes 0 to 1000", "no more of that", "too_bad", "about data", "req-7"}},
		"the end is refused":       {f, "POST complete", `{"error":{"message":"md5"}}`, []string{"completing the upload", "md5"}},
		"the file cannot be read":  {torn, "", "", []string{"bytes 1000 to 2000", "disk on fire"}},
		"nobody can put it in one": {f, "POST complete", "", []string{"7 bytes"}},
	} {
		t.Run(name, func(t *testing.T) {
			e := engine(t, localtune.Options{Key: "sk-test"})
			g := &gate{next: e, trouble: func(w http.ResponseWriter, r *http.Request, call string, _ int) bool {
				if call != c.call {
					return false
				}
				_, _ = io.Copy(io.Discard, r.Body)
				w.Header().Set("X-Request-Id", "req-7")
				if c.body == "" {
					fmt.Fprint(w, `{"id":"u","file":{"id":"file-7","bytes":7}}`)
					return true
				}
				w.WriteHeader(http.StatusBadRequest)
				fmt.Fprint(w, c.body)
				return true
			}}
			cl := client(t, g)
			cl.Split(1000, 1000)
			_, err := cl.Upload(t.Context(), c.file)
			if err == nil {
				t.Fatal("it succeeds")
			}
			for _, want := range c.want {
				if !strings.Contains(err.Error(), want) {
					t.Errorf("the error %q lacks %q", err, want)
				}
			}
			g.mu.Lock()
			defer g.mu.Unlock()
			if !slices.Contains(g.calls, "POST cancel") {
				t.Errorf("calls %q, want a cancel", g.calls)
			}
		})
	}
}

// What the transport still reads of a request that has failed does not get into the next one.
func TestPartsDoNotMix(t *testing.T) {
	data := bytes.Repeat([]byte("0123456789abcdef"), 1<<16) // 1 MB
	f := train.File{Name: "f", Size: int64(len(data)), Open: func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(data)), nil }}
	var got bytes.Buffer
	n := 0
	cl := client(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		reply := map[string]any{"id": "x", "data": []any{}}
		switch {
		case strings.HasSuffix(r.URL.Path, "/parts"):
			if n++; n%2 == 1 {
				w.Header().Set("Retry-After", "0.001")
				w.WriteHeader(http.StatusServiceUnavailable) // before the body has come
				return
			}
			part, _, err := r.FormFile("data")
			if err == nil {
				_, err = io.Copy(&got, part)
			}
			if err != nil {
				t.Error(err)
			}
		case strings.HasSuffix(r.URL.Path, "/complete"):
			reply["file"] = map[string]any{"id": "file-1", "bytes": len(data)}
		}
		_ = json.NewEncoder(w).Encode(reply)
	}))
	cl.Split(1, 100_003)
	if id, err := cl.Upload(t.Context(), f); err != nil || id != "file-1" || !bytes.Equal(got.Bytes(), data) {
		t.Errorf("%q, %v; %d bytes arrived in order: %t", id, err, got.Len(), bytes.Equal(got.Bytes(), data))
	}
}
