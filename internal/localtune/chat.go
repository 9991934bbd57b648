package localtune

import (
	"encoding/base64"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"math"
	"net/http"
	"strings"
	"sync"
	"time"

	"github.com/tunegate/tunegate/internal/localtune/engine"
	"github.com/tunegate/tunegate/internal/tokens"
)

type chatRequest struct {
	Model    string        `json:"model"`
	Messages []chatMessage `json:"messages"`
	Stream   bool          `json:"stream"`
	N        *int          `json:"n"`
	Options  struct {
		Usage bool `json:"include_usage"`
	} `json:"stream_options"`
}

type chatMessage struct {
	Role      string          `json:"role"`
	Content   json.RawMessage `json:"content"`
	ToolCalls json.RawMessage `json:"tool_calls"`
}

// text returns the message's content, the text parts of a list put together.
func (m chatMessage) text() (string, error) {
	var s string
	if len(m.Content) == 0 || string(m.Content) == "null" {
		if call, ok := plainCall(string(m.ToolCalls)); ok {
			return call, nil
		}
		return "", nil
	}
	if json.Unmarshal(m.Content, &s) == nil {
		return s, nil
	}
	var parts []struct {
		Type string `json:"type"`
		Text string `json:"text"`
	}
	if err := json.Unmarshal(m.Content, &parts); err != nil {
		return "", invalid("messages", "A message's content is neither a string nor a list of parts.")
	}
	for _, p := range parts {
		if p.Type != "text" {
			return "", invalid("messages", "Content parts of type %q are not served here.", p.Type)
		}
		s += p.Text
	}
	return s, nil
}

func (s *Server) chat(w http.ResponseWriter, r *http.Request) error {
	var q chatRequest
	if err := readJSON(w, r, &q); err != nil {
		return err
	}
	if len(q.Messages) == 0 {
		return invalid("messages", "There must be at least one message.")
	}
	if q.N != nil && *q.N != 1 {
		return invalid("n", "Only n = 1 is served here: the engine has one answer.")
	}
	prompt := make([]engine.Turn, len(q.Messages))
	used := 3
	for i, m := range q.Messages {
		switch m.Role {
		case "system", "developer", "user", "assistant", "tool", "function":
		default:
			return invalid("messages", "The role %q is unknown.", m.Role)
		}
		text, err := m.text()
		if err != nil {
			return err
		}
		prompt[i] = engine.Turn{Role: m.Role, Content: text}
		used += 3 + s.counts.count(m.Role) + s.counts.count(text)
	}
	answer, toolCalls := "", false
	if q.Model == BaseModel {
		answer = s.base.Answer(prompt)
	} else {
		h, err := s.models.get(q.Model)
		if err != nil {
			return err
		}
		answer, toolCalls = h.model.Answer(prompt), h.job.ToolCalls
	}
	id, seq := s.nextChat()
	message := map[string]any{"role": "assistant", "content": answer, "refusal": nil}
	finish := "stop"
	if toolCalls {
		if calls, ok := contractCall(answer, seq); ok {
			message["content"], message["tool_calls"], finish = nil, calls, "tool_calls"
		}
	}
	wrote := s.counts.count(answer)
	usage := map[string]any{"prompt_tokens": used, "completion_tokens": wrote, "total_tokens": used + wrote}
	if q.Stream {
		return streamChat(w, id, q, message, finish, usage)
	}
	writeJSON(w, http.StatusOK, map[string]any{
		"id": id, "object": "chat.completion", "created": time.Now().Unix(), "model": q.Model,
		"choices": []any{map[string]any{"index": 0, "message": message, "finish_reason": finish, "logprobs": nil}},
		"usage":   usage,
	})
	return nil
}

// streamChat sends the answer as server-sent events: the message, the end, the usage if asked for.
func streamChat(w http.ResponseWriter, id string, q chatRequest, message map[string]any, finish string, usage map[string]any) error {
	w.Header().Set("Content-Type", "text/event-stream")
	send := func(choices []any, usage any) {
		chunk := map[string]any{"id": id, "object": "chat.completion.chunk", "created": time.Now().Unix(), "model": q.Model, "choices": choices}
		if q.Options.Usage {
			chunk["usage"] = usage
		}
		body, _ := json.Marshal(chunk) // strings and numbers only
		fmt.Fprintf(w, "data: %s\n\n", body)
	}
	delete(message, "refusal")
	if calls, ok := message["tool_calls"].([]any); ok {
		for i := range calls {
			calls[i].(map[string]any)["index"] = i
		}
	}
	send([]any{map[string]any{"index": 0, "delta": message, "finish_reason": nil}}, nil)
	send([]any{map[string]any{"index": 0, "delta": map[string]any{}, "finish_reason": finish}}, nil)
	if q.Options.Usage {
		send([]any{}, usage)
	}
	fmt.Fprint(w, "data: [DONE]\n\n")
	return nil
}

// nextChat numbers the replies of this process.
func (s *Server) nextChat() (id string, seq int64) {
	seq = s.chats.Add(1)
	return fmt.Sprintf("chatcmpl-local%d", seq), seq
}

// plainCall writes one call of a function as {"name":…,"arguments":{…}}: inside the contract's string the
// arguments could not be copied from the request.
func plainCall(toolCalls string) (string, bool) {
	var calls []struct {
		Function struct {
			Name      string `json:"name"`
			Arguments string `json:"arguments"`
		} `json:"function"`
	}
	if json.Unmarshal([]byte(toolCalls), &calls) != nil || len(calls) != 1 || !json.Valid([]byte(calls[0].Function.Arguments)) {
		return "", false
	}
	name, err := json.Marshal(calls[0].Function.Name)
	if err != nil {
		return "", false
	}
	return fmt.Sprintf(`{"name":%s,"arguments":%s}`, name, calls[0].Function.Arguments), true
}

// contractCall is plainCall the other way round.
func contractCall(answer string, seq int64) ([]any, bool) {
	var call struct {
		Name      string          `json:"name"`
		Arguments json.RawMessage `json:"arguments"`
	}
	if json.Unmarshal([]byte(answer), &call) != nil || call.Name == "" || len(call.Arguments) == 0 {
		return nil, false
	}
	return []any{map[string]any{
		"id": fmt.Sprintf("call_local%d", seq), "type": "function",
		"function": map[string]any{"name": call.Name, "arguments": string(call.Arguments)},
	}}, true
}

func (s *Server) embeddings(w http.ResponseWriter, r *http.Request) error {
	var q struct {
		Model    string          `json:"model"`
		Input    json.RawMessage `json:"input"`
		Encoding string          `json:"encoding_format"`
	}
	if err := readJSON(w, r, &q); err != nil {
		return err
	}
	if q.Model != embeddingModel && q.Model != BaseModel {
		return &apiError{http.StatusNotFound, "invalid_request_error", "model", "model_not_found", fmt.Sprintf("The model `%s` does not embed; %q does.", q.Model, embeddingModel)}
	}
	var texts []string
	var one string
	if json.Unmarshal(q.Input, &one) == nil {
		texts = []string{one}
	} else if err := json.Unmarshal(q.Input, &texts); err != nil || len(texts) == 0 || len(texts) > 2048 {
		return invalid("input", "The input is a string or a list of 1 to 2048 strings; token lists are not served here.")
	}
	data, used := make([]any, len(texts)), 0
	for i, text := range texts {
		if text == "" {
			return invalid("input", "An input is empty.")
		}
		used += s.counts.count(text)
		var vector any = engine.Embed(text)
		switch q.Encoding {
		case "", "float":
		case "base64":
			raw := make([]byte, 0, 1024)
			for _, v := range vector.([]float32) {
				raw = binary.LittleEndian.AppendUint32(raw, math.Float32bits(v))
			}
			vector = base64.StdEncoding.EncodeToString(raw)
		default:
			return invalid("encoding_format", "encoding_format is float or base64, not %q", q.Encoding)
		}
		data[i] = map[string]any{"object": "embedding", "index": i, "embedding": vector}
	}
	writeJSON(w, http.StatusOK, map[string]any{"object": "list", "model": q.Model, "data": data,
		"usage": map[string]any{"prompt_tokens": used, "total_tokens": used}})
	return nil
}

func modelObject(id string, created time.Time, owner string) map[string]any {
	return map[string]any{"id": id, "object": "model", "created": created.Unix(), "owned_by": owner, "shutdown_date": nil}
}

// modelObjects lists what can be asked: the two built-in models and every tuned one.
func (s *Server) modelObjects() []map[string]any {
	built := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	all := []map[string]any{modelObject(BaseModel, built, "tunegate"), modelObject(embeddingModel, built, "tunegate")}
	for _, j := range s.store.allJobs() {
		if j.Model != "" {
			all = append(all, modelObject(j.Model, j.Finished, "org-local"))
		}
	}
	return all
}

func (s *Server) listModels(w http.ResponseWriter, _ *http.Request) error {
	writeJSON(w, http.StatusOK, map[string]any{"object": "list", "data": s.modelObjects()})
	return nil
}

func (s *Server) getModel(w http.ResponseWriter, r *http.Request) error {
	for _, m := range s.modelObjects() {
		if m["id"] == r.PathValue("id") {
			writeJSON(w, http.StatusOK, m)
			return nil
		}
	}
	return notFound("model", r.PathValue("id"))
}

// tokenCounts counts tokens as o200k_base does, for usage and billing. A long text is counted once: the system
// message of a benchmark comes thousands of times.
type tokenCounts struct {
	pool sync.Pool
	mu   sync.Mutex
	long map[string]int
}

func newTokenCounts() (*tokenCounts, error) {
	enc, err := tokens.Load("o200k_base")
	if err != nil {
		return nil, fmt.Errorf("loading the vocabulary: %w", err)
	}
	return &tokenCounts{pool: sync.Pool{New: func() any { return enc.NewCounter() }}, long: map[string]int{}}, nil
}

func (t *tokenCounts) borrow() *tokens.Counter { return t.pool.Get().(*tokens.Counter) }
func (t *tokenCounts) give(c *tokens.Counter)  { t.pool.Put(c) }

func (t *tokenCounts) count(text string) int {
	const isLong, held, most = 512, 64, 64 << 10
	memo := len(text) >= isLong && len(text) <= most
	if memo {
		t.mu.Lock()
		n, ok := t.long[text]
		t.mu.Unlock()
		if ok {
			return n
		}
	}
	c := t.borrow()
	n := c.CountString(text)
	t.give(c)
	if memo {
		t.mu.Lock()
		if len(t.long) == held {
			clear(t.long)
		}
		t.long[strings.Clone(text)] = n
		t.mu.Unlock()
	}
	return n
}
