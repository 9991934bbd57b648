package dataset

import "github.com/tunegate/tunegate/internal/tokens"

// Tokens counts an example: content is the tokens of its messages' contents alone, training what a service bills for
// one pass by the chat rule of the OpenAI Cookbook (Chat_finetuning_data_prep): PerMessage a message, each string
// value, PerName for a name, PerExample an example. Tools and calls, of which that rule says nothing, count as the
// JSON text that they are sent as: an estimate should not be too low.
func (r *Row) Tokens(c *tokens.Counter) (content, training int) { return r.TokensBy(c.CountString) }

// TokensBy is Tokens by any counter, such as one that remembers texts.
func (r *Row) TokensBy(count func(string) int) (content, training int) {
	training = tokens.PerExample
	for i := range r.Messages {
		m := &r.Messages[i]
		n := count(m.Content)
		content += n
		training += tokens.PerMessage + count(m.Role) + n
		if m.Name != "" {
			training += tokens.PerName + count(m.Name)
		}
		for _, text := range [...]string{m.Refusal, m.ToolCalls, m.FunctionCall, m.ToolCallID} {
			if text != "" {
				training += count(text)
			}
		}
	}
	for _, text := range [...]string{r.Tools, r.Functions} {
		if text != "" {
			training += count(text)
		}
	}
	return content, training
}
