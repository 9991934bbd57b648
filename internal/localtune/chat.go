package localtune

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/tunegate/tunegate/internal/localtune/engine"
)

// maxChoices is the contract's limit of n.
const maxChoices = 128

// chatRequest is what the engine has a use for. What else the contract knows (temperature, penalties, limits of
// length, formats of the reply) is accepted and changes nothing: the engine has one answer.
type chatRequest struct {
	Model      string        `json:"model"`
	Messages   []chatMessage `json:"messages"`
	Stream     bool          `json:"stream"`
	N          *int          `json:"n"`
	Tools      []tool        `json:"tools"`
	ToolChoice any           `json:"tool_choice"`
	Options    struct {
		Usage bool `json:"include_usage"`
	} `json:"stream_options"`
}

type chatMessage struct {
	Role         string          `json:"role"`
	Content      any             `json:"content"` // string, list of parts or null; decoded at once, since it is nearly all of a request
	Refusal      string          `json:"refusal"`
	ToolCallID   string          `json:"tool_call_id"`
	ToolCalls    json.RawMessage `json:"tool_calls"`
	FunctionCall json.RawMessage `json:"function_call"`
}

// turn is the message as the engine reads it, the text parts of a list put together.
func (m chatMessage) turn(i int) (engine.Turn, error) {
	at := fmt.Sprintf("messages[%d]", i)
	var none engine.Turn
	switch m.Role {
	case "assistant":
		if calls, ok := plainCalls(string(m.ToolCalls), string(m.FunctionCall)); ok {
			return engine.Turn{Role: m.Role, Content: calls}, nil
		}
		if m.Content == nil && (m.Refusal != "" || len(m.ToolCalls) > 0 && string(m.ToolCalls) != "null") {
			return engine.Turn{Role: m.Role, Content: m.Refusal + string(m.ToolCalls)}, nil
		}
	case "system", "developer", "user", "function":
	case "tool":
		if m.ToolCallID == "" {
			return none, invalid(at, "%s is of a tool, but has no tool_call_id.", at)
		}
	default:
		return none, invalid(at, "The role %q of %s is unknown.", m.Role, at)
	}
	text, err := contentText(m.Content, at)
	return engine.Turn{Role: m.Role, Content: text}, err
}

func contentText(content any, at string) (string, error) {
	switch c := content.(type) {
	case string:
		return c, nil
	case nil:
		return "", invalid(at, "%s has no content.", at)
	case []any:
		var text strings.Builder
		for i, v := range c {
			part, _ := v.(map[string]any)
			kind, _ := part["type"].(string)
			s, isText := part[kind].(string)
			if kind != "text" && kind != "refusal" || !isText {
				return "", invalid(at, "Part %d of %s is of the type %q; only text is served here.", i, at, kind)
			}
			text.WriteString(s)
		}
		if len(c) > 0 {
			return text.String(), nil
		}
	}
	return "", invalid(at, "The content of %s is neither a string nor a list of parts.", at)
}

type (
	chatReply struct {
		ID      string   `json:"id"`
		Object  string   `json:"object"`
		Created int64    `json:"created"`
		Model   string   `json:"model"`
		Choices []choice `json:"choices"`
		Usage   *usage   `json:"usage,omitempty"`
	}
	choice struct {
		Index    int     `json:"index"`
		Message  message `json:"message"`
		Finish   string  `json:"finish_reason"`
		Logprobs *string `json:"logprobs"`
	}
	message struct {
		Role      string     `json:"role"`
		Content   *string    `json:"content"`
		Refusal   *string    `json:"refusal"`
		ToolCalls []toolCall `json:"tool_calls,omitempty"`
	}
	usage struct {
		Prompt     int `json:"prompt_tokens"`
		Completion int `json:"completion_tokens"`
		Total      int `json:"total_tokens"`
	}
)

func (s *Server) chat(w http.ResponseWriter, r *http.Request) error {
	var q chatRequest
	if err := s.readJSON(w, r, false, &q); err != nil {
		return err
	}
	n := 1
	if q.N != nil {
		n = *q.N
	}
	switch {
	case q.Model == "":
		return invalid("model", "You must provide a model parameter.")
	case len(q.Messages) == 0:
		return invalid("messages", "There must be at least one message.")
	case n < 1 || n > maxChoices:
		return invalid("n", "n is a whole number from 1 to %d.", maxChoices)
	}
	o, err := offer(q.Tools, q.ToolChoice)
	if err != nil {
		return err
	}
	prompt := make([]engine.Turn, len(q.Messages))
	used := 3
	for i, m := range q.Messages {
		if prompt[i], err = m.turn(i); err != nil {
			return err
		}
		used += 3 + s.counts.count(m.Role) + s.counts.count(prompt[i].Content)
	}
	id := w.Header().Get("X-Request-Id")[len("req_"):]
	answer, calls, err := s.answer(q.Model, prompt, o, id)
	if err != nil {
		return err
	}
	m, finish := message{Role: "assistant", Content: &answer}, "stop"
	if calls != nil {
		m, finish = message{Role: "assistant", ToolCalls: calls}, "tool_calls"
	}
	wrote := n * s.counts.count(answer)
	reply := chatReply{ID: "chatcmpl-" + id, Object: "chat.completion", Created: time.Now().Unix(), Model: q.Model,
		Choices: make([]choice, n), Usage: &usage{used, wrote, used + wrote}}
	for i := range reply.Choices {
		reply.Choices[i] = choice{Index: i, Message: m, Finish: finish}
	}
	if q.Stream {
		streamChat(w, reply, q.Options.Usage)
	} else {
		writeJSON(w, http.StatusOK, reply)
	}
	return nil
}

// answer asks a model. calls are nil where the answer is words. An answer is a call if the model was trained on
// calls, or if it is one of a tool on offer.
func (s *Server) answer(model string, prompt []engine.Turn, o offered, id string) (answer string, calls []toolCall, err error) {
	last := prompt[len(prompt)-1].Role
	trained := false
	switch {
	case model != BaseModel:
		m, job, err := s.models.get(model)
		if err != nil {
			return "", nil, err
		}
		answer, trained = m.Answer(prompt), job.ToolCalls
	case len(o.names) > 0 && !o.never && last != "tool" && last != "function": // what a tool returned is answered in words
		answer = o.pick(func(menu string) string {
			asked := []engine.Turn{{Role: "system", Content: menu}}
			for _, t := range prompt {
				if t.Role != "system" && t.Role != "developer" {
					asked = append(asked, t)
				}
			}
			return s.base.Answer(asked)
		})
	default:
		answer = s.base.Answer(prompt)
	}
	if o.never || !trained && len(o.names) == 0 {
		return answer, nil, nil
	}
	calls, ok := contractCalls(answer, id)
	if !ok || !trained && !o.has(calls) {
		return answer, nil, nil
	}
	return answer, calls, nil
}

type (
	chatChunk struct {
		ID      string        `json:"id"`
		Object  string        `json:"object"`
		Created int64         `json:"created"`
		Model   string        `json:"model"`
		Choices []chunkChoice `json:"choices"`
		Usage   any           `json:"usage,omitempty"` // null before the last chunk, if it was asked for
	}
	chunkChoice struct {
		Index  int     `json:"index"`
		Delta  delta   `json:"delta"`
		Finish *string `json:"finish_reason"`
	}
	delta struct {
		Role      string     `json:"role,omitempty"`
		Content   *string    `json:"content,omitempty"`
		ToolCalls []toolCall `json:"tool_calls,omitempty"`
	}
)

// streamChat sends a reply as server-sent events: for each choice who speaks, the words or calls, and the end; then the
// usage, if asked for.
func streamChat(w http.ResponseWriter, reply chatReply, withUsage bool) {
	w.Header().Set("Content-Type", "text/event-stream")
	chunk := chatChunk{ID: reply.ID, Object: "chat.completion.chunk", Created: reply.Created, Model: reply.Model}
	if withUsage {
		chunk.Usage = json.RawMessage("null")
	}
	send := func(choices ...chunkChoice) {
		chunk.Choices = append([]chunkChoice{}, choices...)
		body, _ := json.Marshal(chunk) // strings and numbers only
		fmt.Fprintf(w, "data: %s\n\n", body)
	}
	for _, c := range reply.Choices {
		empty := ""
		send(chunkChoice{Index: c.Index, Delta: delta{Role: "assistant", Content: &empty}})
		if c.Message.Content != nil {
			for _, word := range strings.SplitAfter(*c.Message.Content, " ") {
				send(chunkChoice{Index: c.Index, Delta: delta{Content: &word}})
			}
		}
		for i, call := range c.Message.ToolCalls {
			head, tail := call, toolCall{Index: &i, Function: function{Arguments: call.Function.Arguments}}
			head.Index, head.Function.Arguments = &i, ""
			send(chunkChoice{Index: c.Index, Delta: delta{ToolCalls: []toolCall{head}}})
			send(chunkChoice{Index: c.Index, Delta: delta{ToolCalls: []toolCall{tail}}})
		}
		send(chunkChoice{Index: c.Index, Finish: &c.Finish})
	}
	if withUsage {
		chunk.Usage = reply.Usage
		send()
	}
	fmt.Fprint(w, "data: [DONE]\n\n")
}
