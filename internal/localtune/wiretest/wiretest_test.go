package wiretest

import (
	"context"
	"fmt"
	"io"
	"net"
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
		{"a request that is refused for another reason", "POST", "/chat/completions", `{"model":"m"}`, 429, "application/json", `{"error":{"message":"no","type":"invalid_request_error","param":null,"code":null}}`, "the request breaks the contract"},
		{"a request that the server fails at", "POST", "/chat/completions", `{"model":"m"}`, 500, "application/json", `{"error":{"message":"no","type":"server_error","param":null,"code":null}}`, "the request breaks the contract"},
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
			q, err := http.NewRequest(c.method, server.URL+"/v1"+c.path, strings.NewReader(c.body))
			if err != nil {
				t.Fatal(err)
			}
			q.Header.Set("Content-Type", "application/json")
			reply, err := Client(n).Do(q)
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

// What one side breaks off, as a client does that is killed, is judged as far as it got.
func TestBrokenOff(t *testing.T) {
	if !contract.AtHand() {
		t.Skip(contract.Unchecked)
	}
	const (
		chat  = `{"model":"m","messages":[{"role":"user","content":"hello"}]}`
		chunk = `data: {"id":"c","object":"chat.completion.chunk","created":1,"model":"m","choices":[{"index":0,"delta":{"content":"a"},"finish_reason":null}]}` + "\n\n"
	)
	for _, c := range []struct {
		name, path, body  string
		sent              int // bytes of the body, after which the client goes away; -1: it goes away while it waits
		status            int
		kind, reply, want string // what there is of a reply, before the server goes away; "": nothing, and the server waits for the client
	}{
		{"a client that waits", "/chat/completions", chat, -1, 0, "", "", ""},
		{"a client that has asked wrongly", "/chat/completions", `{"model":"m"}`, -1, 0, "", "", "the request breaks the contract"},
		{"a client that asks for what is not there", "/nothing", chat, -1, 0, "", "", "is not part of the contract"},
		{"a client that is still asking", "/chat/completions", chat, 9, 0, "", "", ""},
		{"a client that is still asking for what is not there", "/nothing", chat, 9, 0, "", "", "is not part of the contract"},
		{"a server that says nothing", "/chat/completions", chat, 0, 0, "", "", ""},
		{"a server that says nothing to what is wrong", "/chat/completions", `{"model":"m"}`, 0, 0, "", "", "the request breaks the contract"},
		{"a server in the middle of a reply", "/chat/completions", chat, 0, 200, "application/json", `{"id":"c","obj`, ""},
		{"a server in the middle of a refusal", "/chat/completions", chat, 0, 503, "application/json", `{"err`, ""},
		{"a status that is not there", "/chat/completions", chat, 0, 207, "application/json", `{"id":"c","obj`, "the reply 207 breaks the contract"},
		{"a server after a wrong reply", "/chat/completions", chat, 0, 200, "application/json", `{"id":"c"}`, "the reply 200 breaks the contract"},
		{"a server in the middle of a stream", "/chat/completions", chat, 0, 200, "text/event-stream", chunk + chunk[:30], ""},
		{"a server in the middle of a wrong stream", "/chat/completions", chat, 0, 200, "text/event-stream", `data: {"id":"c"}` + "\n\n" + chunk[:30], "event 1 of 1"},
	} {
		t.Run(c.name, func(t *testing.T) {
			n := &noted{}
			t.Run("exchange", func(t *testing.T) { // the proxy has judged it when this ends
				n.TB = t
				waiting := make(chan struct{})
				var once sync.Once
				server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
					_, err := io.Copy(io.Discard, r.Body)
					once.Do(func() { close(waiting) })
					switch {
					case c.sent != 0 && err == nil:
						<-r.Context().Done()
					case c.status != 0:
						w.Header().Set("Content-Type", c.kind)
						w.Header().Set("Content-Length", "1000")
						w.WriteHeader(c.status)
						_, _ = io.WriteString(w, c.reply)
						_ = http.NewResponseController(w).Flush()
					}
					panic(http.ErrAbortHandler)
				}))
				t.Cleanup(server.Close)
				if c.sent > 0 {
					breakOff(t, n, server.URL+"/v1"+c.path, c.body, c.sent)
					return
				}
				ctx, leave := context.WithCancel(t.Context())
				defer leave()
				q, err := http.NewRequestWithContext(ctx, "POST", server.URL+"/v1"+c.path, strings.NewReader(c.body))
				if err != nil {
					t.Fatal(err)
				}
				q.Header.Set("Content-Type", "application/json")
				if c.sent < 0 {
					go func() {
						<-waiting
						leave()
					}()
				}
				reply, err := Client(n).Do(q)
				if err == nil {
					_, err = io.Copy(io.Discard, reply.Body)
					reply.Body.Close()
				}
				if err == nil {
					t.Error("a whole reply:", reply.Status)
				}
			})
			switch {
			case c.want == "" && len(n.errors) > 0:
				t.Errorf("reported: %q", n.errors)
			case c.want != "" && (len(n.errors) != 1 || !strings.Contains(n.errors[0], c.want)):
				t.Errorf("reported %q, want one with %q", n.errors, c.want)
			}
		})
	}
}

// breakOff sends so many bytes of a request's body through a proxy of n, and is gone.
func breakOff(t *testing.T, n *noted, address, body string, sent int) {
	t.Helper()
	conn, err := net.Dial("tcp", strings.TrimPrefix(Proxy(n), "http://"))
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	if _, err := fmt.Fprintf(conn, "POST %s HTTP/1.1\r\nHost: service\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%s", address, len(body), body[:sent]); err != nil {
		t.Fatal(err)
	}
	if err := conn.(*net.TCPConn).CloseWrite(); err != nil {
		t.Fatal(err)
	}
	if reply, err := io.ReadAll(conn); err != nil || len(reply) > 0 { // it ends when the exchange has been judged
		t.Errorf("a reply: %q, %v", reply, err)
	}
}

// Of a server that keeps no contract the requests are checked, whatever it replies.
func TestRequestsAlone(t *testing.T) {
	if !contract.AtHand() {
		t.Skip(contract.Unchecked)
	}
	for body, want := range map[string]int{`{"model":"m","messages":[{"role":"user","content":"hello"}]}`: 0, `{"model":"m"}`: 1} {
		n := &noted{TB: t}
		server := httptest.NewServer(CheckRequests(n, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			got, _ := io.ReadAll(r.Body)
			w.WriteHeader(http.StatusBadRequest)
			_, _ = w.Write(got)
		})))
		reply, err := http.Post(server.URL+"/v1/chat/completions", "application/json", strings.NewReader(body))
		if err != nil {
			t.Fatal(err)
		}
		got, err := io.ReadAll(reply.Body)
		reply.Body.Close()
		server.Close()
		if err != nil || reply.StatusCode != http.StatusBadRequest || string(got) != body || len(n.errors) != want {
			t.Errorf("%d %s (%v), reported %q; want %d", reply.StatusCode, got, err, n.errors, want)
		}
	}
}
