package dataset

import "strings"

// maxMessages is how many messages of a row are held: the longest context that is trained on has room for fewer that say
// anything, and a line of MaxLine could hold 20 million.
const maxMessages = 10_000

// messages reads the list at hand into the row. The keys of ShareGPT, from and value, count only there.
func (p *parser) messages(shareGPT bool) bool {
	p.i++
	if p.space() == ']' {
		p.i++
		return true
	}
	tooMany := false
	for {
		if len(p.row.Messages) < maxMessages {
			if !p.message(shareGPT) {
				return false
			}
		} else {
			p.space()
			if !tooMany {
				tooMany = true
				p.insist("invalid-json", p.i, "split the conversation into several examples", "the row has more than %d messages", maxMessages)
			}
			if !p.skip() {
				return false
			}
		}
		more, ok := p.next(']')
		if !more {
			return ok
		}
	}
}

func (p *parser) message(shareGPT bool) bool {
	if k := kindAt(p.space()); k != object {
		at := p.i
		if !p.value() {
			return false
		}
		p.note("messages-not-a-list", at, `write each message as {"role": …, "content": …}`, "message %d is %s, not an object", len(p.row.Messages)+1, k)
		return true
	}
	start := p.i
	m := Message{Weight: -1, at: start}
	var role, content, name, weight, refusal, id field
	calls := false
	ok := p.members(func(key string, at int) (ok bool) {
		switch key {
		case "role":
			role, ok = p.read()
		case "content":
			content, ok = p.read()
		case "name":
			name, ok = p.read()
		case "weight":
			weight, ok = p.read()
		case "refusal":
			refusal, ok = p.read()
		case "tool_call_id":
			id, ok = p.read()
		case "tool_calls":
			at := p.i
			ok = p.kept(&m.ToolCalls, key, list)
			if ok && m.ToolCalls != "" {
				calls = true
				p.checkToolCalls(m.ToolCalls, at)
			}
		case "function_call":
			at := p.i
			ok = p.kept(&m.FunctionCall, key, object)
			if ok && m.FunctionCall != "" {
				calls = true
				p.checkFunction(m.FunctionCall, "function_call", at)
			}
		case "from":
			if !shareGPT {
				p.ignore(key, at)
				return p.skip()
			}
			role, ok = p.read()
		case "value":
			if !shareGPT {
				p.ignore(key, at)
				return p.skip()
			}
			content, ok = p.read()
		default:
			p.ignore(key, at)
			ok = p.skip()
		}
		return ok
	})
	if !ok {
		return false
	}
	m.Role = p.role(role, shareGPT, m.at)
	m.Name = p.optional(name, "name")
	m.Refusal = p.optional(refusal, "refusal")
	m.ToolCallID = p.optional(id, "tool_call_id")
	m.Content, m.NoContent = content.text, content.kind != text
	if content.kind == text {
		m.at, m.end = content.at, content.end
	}
	p.checkContent(&m, content, calls)
	p.checkWeight(&m, weight)
	if m.Role == "tool" && m.ToolCallID == "" {
		p.note("bad-tool-call", start, "name the call that it answers", "message of role tool without a tool_call_id")
	}
	p.row.Messages = append(p.row.Messages, m)
	return true
}

// role returns the role as a constant, "" when it is none.
func (p *parser) role(f field, shareGPT bool, at int) string {
	switch {
	case f.kind == absent:
		p.note("unknown-role", at, "roles are system, developer, user, assistant, tool and function", "message without a role")
		return ""
	case f.kind != text:
		p.note("unknown-role", f.at, "roles are system, developer, user, assistant, tool and function", "role is %s, not text", f.kind)
		return ""
	}
	switch f.text {
	case "user":
		return "user"
	case "assistant":
		return "assistant"
	case "system":
		return "system"
	case "developer":
		return "developer"
	case "tool":
		return "tool"
	case "function":
		return "function"
	}
	hint := "roles are system, developer, user, assistant, tool and function"
	switch strings.ToLower(strings.TrimSpace(f.text)) {
	case "human", "user":
		if shareGPT {
			return "user"
		}
		hint = "write user"
	case "gpt", "chatgpt", "bot", "model", "ai", "assistant":
		if shareGPT {
			return "assistant"
		}
		hint = "write assistant"
	case "system":
		hint = "write system"
	case "function_call", "observation":
		hint = "write calls of tools in the chat format: messages with tool_calls and tool_call_id"
	}
	p.note("unknown-role", f.at, hint, "unknown role %q", clip(f.text))
	return ""
}

// optional is a value that is text, null or absent.
func (p *parser) optional(f field, key string) string {
	if f.kind != text && f.kind != null && f.kind != absent {
		p.note("content-not-text", f.at, "write text", "%s is %s, not text", key, f.kind)
	}
	return f.text
}

func (p *parser) checkContent(m *Message, f field, calls bool) {
	switch {
	case f.kind == list || f.kind == object || f.kind == number || f.kind == boolean:
		hint := "write the text itself, in double quotes"
		if f.kind == list {
			hint = "write the parts as one text; only text is tuned here"
		}
		p.note("content-not-text", f.at, hint, "content is %s, not text", f.kind)
	case calls && m.Role == "assistant" || m.Refusal != "":
	case f.kind != text && m.Role == "assistant" && f.kind == null:
		p.note("empty-assistant", f.at, "write the answer, or remove the example", "assistant message with nothing to learn: content is null")
	case f.kind != text:
		p.note("missing-content", max(f.at, m.at), "write the content, or remove the message", "message without content")
	case m.Role == "assistant" && blank(f.text):
		p.note("empty-assistant", f.at, "write the answer, or remove the example", "assistant message with nothing to learn: content is blank")
	case m.Role == "user" && blank(f.text):
		p.note("missing-content", f.at, "write the content, or remove the message", "user message with blank content")
	}
}

func (p *parser) checkWeight(m *Message, f field) {
	switch {
	case f.kind == absent || f.kind == null:
		return
	case m.Role != "assistant":
		if m.Role != "" {
			p.note("weight-on-non-assistant", f.at, "remove it: only assistant messages are trained on", "weight on a message of role %s", m.Role)
		}
		return
	}
	switch v := p.b[f.at:f.end]; {
	case len(v) == 1 && v[0] == '0':
		m.Weight = 0
	case len(v) == 1 && v[0] == '1':
		m.Weight = 1
	default:
		p.note("bad-weight", f.at, "write 0 (not trained on) or 1 (trained on)", "weight %s is neither 0 nor 1", clip(string(v)))
	}
}

// assemble makes messages of the format at hand and checks the row as a whole.
func (p *parser) assemble(messages kind, shareGPT bool, at int) {
	f := &p.fields
	var first []Message
	incomplete := false // said already
	from := func(n int, role, key string) {
		v := f[n]
		switch {
		case !v.seen || v.kind == null:
			if n != system && n != input {
				p.note("missing-content", 0, "write the "+key, "no %s", key)
				incomplete = true
			}
			return
		case v.kind != text:
			p.note("content-not-text", v.at, "write the text itself, in double quotes", "%s is %s, not text", key, v.kind)
			return
		case n == system && v.text == "":
			return
		}
		m := Message{Role: role, Content: v.text, Weight: -1, at: v.at, end: v.end}
		p.checkContent(&m, v, false)
		first = append(first, m)
	}
	switch {
	case messages == absent && p.refuse():
		return
	case messages != absent && !shareGPT:
		p.ignoreFields(prompt, completion, instruction, input, output, system)
	case messages != absent:
		p.ignoreFields(prompt, completion, instruction, input, output)
		from(system, "system", "system")
		p.row.Messages = append(p.row.Messages, first...)
		copy(p.row.Messages[len(first):], p.row.Messages)
		copy(p.row.Messages, first)
	case f[prompt].seen || f[completion].seen:
		p.ignoreFields(instruction, input, output)
		from(system, "system", "system")
		from(prompt, "user", "prompt")
		from(completion, "assistant", "completion")
		p.row.Messages = append(p.row.Messages, first...)
	case f[instruction].seen || f[output].seen && !f[input].seen || f[output].seen && f[input].kind == text:
		from(system, "system", "system")
		if in := f[input]; in.kind == text && in.text != "" && f[instruction].kind == text {
			n := len(p.text)
			p.text = append(append(append(p.text, f[instruction].text...), '\n'), in.text...)
			f[instruction].text = view(p.text[n:])
			f[instruction].end = 0 // no longer one string of the line
		} else if in.seen && in.kind != text && in.kind != null {
			p.note("content-not-text", in.at, "write the text itself, in double quotes", "input is %s, not text", in.kind)
		}
		from(instruction, "user", "instruction")
		from(output, "assistant", "output")
		p.row.Messages = append(p.row.Messages, first...)
	default:
		p.note("messages-not-a-list", 0, `write each example as {"messages": […]}; prompt and completion, conversations, or instruction and output are read too`, "no messages")
		return
	}
	switch {
	case messages != absent && messages != list:
		p.note("messages-not-a-list", at, `write "messages": [{"role": …, "content": …}, …]`, "messages is %s, not a list", messages)
		return
	case len(p.row.Messages) == 0 && len(p.problems) == 0:
		p.note("empty-messages", at, "write the messages, or remove the row", "messages is an empty list")
		return
	}
	if !incomplete {
		p.checkTrained()
	}
}

// refuse notes a row that is meant for something else than supervised training, and reports whether it is one. Its keys
// are not unknown then.
func (p *parser) refuse() bool {
	f := &p.fields
	switch {
	case p.foreign == preference:
		p.note("messages-not-a-list", 0, `only supervised examples are tuned here: write the preferred answer as {"messages": […]}`,
			"preference data (DPO: a preferred and a rejected answer), which is not read")
	case p.foreign == benchmark && f[input].seen && !f[instruction].seen && !f[output].seen:
		p.note("messages-not-a-list", 0, "these look like benchmark tests; are train and tests swapped?", "a benchmark test (input, ideal), not an example to train on")
	default:
		return false
	}
	p.row.Unknown = p.row.Unknown[:0]
	return true
}

func (p *parser) ignoreFields(ns ...int) {
	names := [...]string{"prompt", "completion", "instruction", "input", "output", "system"}
	for _, n := range ns {
		if p.fields[n].seen {
			p.ignore(names[n], p.fields[n].at)
		}
	}
}

// checkTrained notes a row from which nothing would be learned.
func (p *parser) checkTrained() {
	assistants, unknown := 0, false
	for i := range p.row.Messages {
		m := &p.row.Messages[i]
		if m.Trained() {
			return
		}
		if m.Role == "assistant" {
			assistants++
		}
		unknown = unknown || m.Role == ""
	}
	switch {
	case assistants > 0:
		p.note("no-trainable-message", 0, "set the weight of the answer to 1, or remove the row", "every assistant message has weight 0: nothing is learned from this row")
	case !unknown && len(p.row.Messages) > 0: // an unknown role may have been meant as the assistant's
		p.note("missing-assistant", 0, "add the answer as a message of role assistant, or remove the row", "no assistant message: nothing is learned from this row")
	}
}

func blank(s string) bool { return strings.TrimSpace(s) == "" }

// clip shortens text for a message.
func clip(s string) string {
	if len(s) > 40 {
		return strings.ToValidUTF8(s[:40], "") + "…"
	}
	return s
}
