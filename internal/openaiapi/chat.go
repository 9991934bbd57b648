package openaiapi

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"time"

	openai "github.com/sashabaranov/go-openai"
	"github.com/tunegate/tunegate/internal/bench"
)

var _ bench.Completer = (*Client)(nil)

// Complete implements bench.Completer: one answer. A tool call is returned as JSON,
// {"name":…,"arguments":{…}}, several as a list of those, without the text beside them. A question asked twice costs little and changes nothing, so failed requests are
// sent again; but refused ones are left to a bench.Pace, which knows of the others that are on their way.
func (c *Client) Complete(ctx context.Context, r bench.Request) (bench.Response, error) {
	q := openai.ChatCompletionRequest{Model: r.Model, Messages: make([]openai.ChatCompletionMessage, len(r.Messages))}
	for i, m := range r.Messages {
		q.Messages[i] = openai.ChatCompletionMessage{Role: m.Role, Content: m.Content}
	}
	if r.Tools != "" {
		if err := json.Unmarshal([]byte(r.Tools), &q.Tools); err != nil {
			return bench.Response{}, fmt.Errorf("the tools are not what the contract says: %w", err)
		}
	}
	ctx = context.WithValue(ctx, temperature{}, r.Temperature)
	var out bench.Response
	err := c.ask(ctx, func(ctx context.Context) error {
		began := time.Now()
		reply, err := c.chat.CreateChatCompletion(ctx, q)
		var e *Error
		if errors.As(err, &e) {
			if _, refused := e.Refused(); refused {
				return final{err}
			}
		}
		if err != nil {
			return err
		}
		if len(reply.Choices) == 0 {
			return errors.New("the reply has no choices")
		}
		if err := unanswered(reply.Choices[0]); err != nil {
			return err
		}
		m := reply.Choices[0].Message
		out = bench.Response{Answer: m.Content, InputTokens: reply.Usage.PromptTokens, OutputTokens: reply.Usage.CompletionTokens, Took: time.Since(began)}
		if len(m.ToolCalls) > 0 { // they are what is done; text beside them is said on the way
			out.Answer = callsText(m.ToolCalls)
		}
		return nil
	})
	return out, err
}

// unanswered tells a reply that is none from an answer: services send failures, filters and cut answers with status 200 too, and
// an empty text for them would be scored as a wrong answer. Saying nothing is an answer where the model stopped by itself.
func unanswered(c openai.ChatCompletionChoice) error {
	switch m := c.Message; {
	case c.FinishReason == openai.FinishReasonContentFilter:
		return final{errors.New("the service filtered the answer")}
	case m.Content != "" || len(m.ToolCalls) > 0 || m.Refusal != "" || c.FinishReason == openai.FinishReasonStop:
		return nil
	case c.FinishReason == openai.FinishReasonLength:
		return final{errors.New("the answer was cut off before it began")}
	}
	return fmt.Errorf("the reply has no answer (finish reason %q)", printable(string(c.FinishReason)))
}

// ask asks a model, again and again if need be.
func (c *Client) ask(ctx context.Context, send func(context.Context) error) error {
	return persist(ctx, func() error { return within(ctx, answerTime, send) })
}

func callsText(calls []openai.ToolCall) string {
	texts := make([]string, len(calls))
	for i, call := range calls {
		name, _ := json.Marshal(call.Function.Name) // a string always encodes
		arguments := call.Function.Arguments
		if !json.Valid([]byte(arguments)) {
			quoted, _ := json.Marshal(arguments)
			arguments = string(quoted)
		}
		texts[i] = fmt.Sprintf(`{"name":%s,"arguments":%s}`, name, arguments)
	}
	if len(texts) == 1 {
		return texts[0]
	}
	return "[" + strings.Join(texts, ",") + "]"
}

// temperature is the key of a question's temperature, a float64, in its context.
type temperature struct{}

// chatDoer sends go-openai's requests, and makes our Error of a refusal, of which the library would keep half. It puts the temperature on the wire: the library leaves a zero out, and the
// service would then answer at its default, 1, so that a benchmark would measure chance.
type chatDoer struct{ c *Client }

func (d chatDoer) Do(q *http.Request) (*http.Response, error) {
	chat := strings.HasSuffix(q.URL.Path, "/chat/completions")
	if q.Body != nil && chat {
		body, err := io.ReadAll(q.Body)
		if err != nil {
			return nil, err
		}
		q.Body.Close()
		if rest, ok := bytes.CutPrefix(body, []byte("{")); ok {
			t, _ := q.Context().Value(temperature{}).(float64)
			body = append(fmt.Appendf(nil, `{"temperature":%v,`, t), rest...)
		}
		q.Body, q.ContentLength = io.NopCloser(bytes.NewReader(body)), int64(len(body))
		q.GetBody = func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(body)), nil }
	}
	d.c.sign(q)
	r, err := d.c.exchange(q)
	if err != nil {
		return nil, err
	}
	most := int64(maxReply)
	if chat {
		most = maxAnswer
	}
	r.Body = &limited{r.Body, most, most}
	return r, nil
}

// limited is a body of a reply that ends with an error where it is longer than it may be: the library would read on, and
// little sent compressed may be much.
type limited struct {
	io.ReadCloser
	most, left int64
}

func (l *limited) Read(p []byte) (int, error) {
	if int64(len(p)) > l.left+1 {
		p = p[:l.left+1]
	}
	n, err := l.ReadCloser.Read(p)
	if l.left -= int64(n); l.left < 0 {
		l.left = 0
		return 0, final{fmt.Errorf("the reply is longer than %d bytes", l.most)}
	}
	return n, err
}
