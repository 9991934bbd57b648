package wiretest

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"

	"github.com/tunegate/tunegate/internal/contract"
)

// noted is a test whose errors are kept.
type noted struct {
	testing.TB
	mu     sync.Mutex
	errors []string
}

func (n *noted) Errorf(format string, args ...any) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.errors = append(n.errors, fmt.Sprintf(format, args...))
}

// Each planted breach is reported, and what the contract allows is not.
func TestExchangesAreChecked(t *testing.T) {
	if !contract.AtHand() {
		t.Skip(contract.Unchecked)
	}
	const (
		file  = `{"id":"file-1","object":"file","bytes":3,"created_at":1,"filename":"t.jsonl","purpose":"fine-tune","status":"processed"}`
		chunk = `data: {"id":"c","object":"chat.completion.chunk","created":1,"model":"m","choices":[{"index":0,"delta":{"content":"a"},"finish_reason":null}]}` + "\n\n"
		chat  = `{"model":"m","messages":[{"role":"user","content":"hello"}]}`
		embed = `{"model":"m","input":"hello","encoding_format":"base64"}`
		coded = `{"object":"list","model":"m","data":[{"object":"embedding","index":0,"embedding":"AACAPwAAAEA="}],"usage":{"prompt_tokens":1,"total_tokens":1}}`
	)
	for _, c := range []struct {
		name, method, path, body string
		status                   int
		kind, reply              string
		want                     string // "": no breach
	}{
		{"a reply", "GET", "/files/file-1", "", 200, "application/json", file, ""},
		{"a refusal", "GET", "/files/file-1", "", 404, "application/json", `{"error":{"message":"no","type":"invalid_request_error","param":null,"code":null}}`, ""},
		{"a stream", "POST", "/chat/completions", chat, 200, "text/event-stream", chunk + "data: [DONE]\n\n", ""},
		{"a vector in base64", "POST", "/embeddings", embed, 200, "application/json", coded, ""},
		{"base64 that nobody asked for", "POST", "/embeddings", `{"model":"m","input":"hello"}`, 200, "application/json", coded, "the reply 200 breaks the contract"},
		{"base64 that is none", "POST", "/embeddings", embed, 200, "application/json", strings.Replace(coded, "AACA", "!", 1), "the reply 200 breaks the contract"},
		{"base64 without its index", "POST", "/embeddings", embed, 200, "application/json", strings.Replace(coded, `"index":0,`, "", 1), "the reply 200 breaks the contract"},
		{"a request that is refused", "POST", "/chat/completions", `{"model":"m"}`, 400, "application/json", `{"error":{"message":"no","type":"invalid_request_error","param":null,"code":null}}`, ""},
		{"a call that is not there", "GET", "/nothing", "", 200, "application/json", "{}", "is not part of the contract"},
		{"a request without its messages", "POST", "/chat/completions", `{"model":"m"}`, 200, "application/json", "{}", "was accepted"},
		{"a reply without its id", "GET", "/files/file-1", "", 200, "application/json", strings.Replace(file, `"id":"file-1",`, "", 1), "the reply 200 breaks the contract"},
		{"a field of another type", "GET", "/files/file-1", "", 200, "application/json", strings.Replace(file, `:3`, `:"3"`, 1), "the reply 200 breaks the contract"},
		{"a refusal in another form", "GET", "/files/file-1", "", 404, "application/json", `{"message":"no"}`, "the reply 404 breaks the contract"},
		{"a stream that is cut", "POST", "/chat/completions", chat, 200, "text/event-stream", chunk, "event 1 of 1"},
		{"a chunk without choices", "POST", "/chat/completions", chat, 200, "text/event-stream", `data: {"id":"c"}` + "\n\ndata: [DONE]\n\n", "event 1 of 2"},
	} {
		t.Run(c.name, func(t *testing.T) {
			n := &noted{TB: t}
			server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				w.Header().Set("Content-Type", c.kind)
				w.WriteHeader(c.status)
				_, _ = io.WriteString(w, c.reply)
			}))
			defer server.Close()
			q, err := http.NewRequest(c.method, Front(n, server.URL+"/v1")+c.path, strings.NewReader(c.body))
			if err != nil {
				t.Fatal(err)
			}
			q.Header.Set("Content-Type", "application/json")
			reply, err := http.DefaultClient.Do(q)
			if err != nil {
				t.Fatal(err)
			}
			defer reply.Body.Close()
			text, err := io.ReadAll(reply.Body)
			if err != nil || reply.StatusCode != c.status || string(text) != c.reply {
				t.Errorf("passed on %d %s (%v)", reply.StatusCode, text, err)
			}
			switch {
			case c.want == "" && len(n.errors) > 0:
				t.Errorf("reported: %q", n.errors)
			case c.want != "" && (len(n.errors) != 1 || !strings.Contains(n.errors[0], c.want)):
				t.Errorf("reported %q, want one with %q", n.errors, c.want)
			}
		})
	}
}

// A client that goes away, as one that is killed does, is no breach.
func TestBrokenOff(t *testing.T) {
	n := &noted{TB: t}
	asked, left := make(chan struct{}), make(chan struct{})
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		close(asked)
		<-r.Context().Done()
		close(left)
	}))
	defer server.Close()
	ctx, leave := context.WithCancel(t.Context())
	q, err := http.NewRequestWithContext(ctx, "GET", Front(n, server.URL+"/v1")+"/files/file-1", nil)
	if err != nil {
		t.Fatal(err)
	}
	go func() {
		<-asked
		leave()
	}()
	if reply, err := http.DefaultClient.Do(q); err == nil {
		t.Error("a reply:", reply.Status)
		reply.Body.Close()
	}
	<-left // it is told
	server.Close()
	if len(n.errors) > 0 {
		t.Errorf("reported: %q", n.errors)
	}
}
