package audit

import "strings"

// specialToken finds control tokens of tokenizers and chat templates: <|name|> of any name (OpenAI, Llama 3, Qwen,
// Phi), the same with full-width bars (DeepSeek), and the fixed ones of Llama 2, Mistral and Gemma.
func specialToken(text string, i int) (start, end int, ok bool) {
	s := text[i:]
	if s[0] == '[' {
		for _, t := range [...]string{"[INST]", "[/INST]", "[TOOL_CALLS]", "[AVAILABLE_TOOLS]", "[TOOL_RESULTS]"} {
			if strings.HasPrefix(s, t) {
				return i, i + len(t), true
			}
		}
		return 0, 0, false
	}
	if len(s) < 3 {
		return 0, 0, false
	}
	switch s[1] {
	case '|':
		return named(i, s, "|")
	case 0xef:
		return named(i, s, "\uff5c")
	case 's', '/', '<', 'b', 'e':
	default:
		return 0, 0, false
	}
	for _, t := range [...]string{"<<SYS>>", "<</SYS>>", "<start_of_turn>", "<end_of_turn>", "<bos>", "<eos>"} {
		if strings.HasPrefix(s, t) {
			return i, i + len(t), true
		}
	}
	if strings.HasPrefix(s, "<s>") && !struckOut(text, i) {
		return i, i + len("<s>"), true
	}
	if strings.HasPrefix(s, "</s>") && !struckOut(text, i) {
		return i, i + len("</s>"), true
	}
	return 0, 0, false
}

// struckOut reports that the <s> or </s> at i has its other half near, as in HTML, and is not at the start of the
// text, where a template puts it; and that <s> is not part of code, such as Vec<s>.
func struckOut(text string, i int) bool {
	const near = 1 << 10
	if text[i+1] == 's' {
		if i == 0 {
			return false
		}
		rest := text[i+3:]
		rest = rest[:min(len(rest), near)]
		end := strings.Index(rest, "</s>")
		return isWord(text[i-1]) || end >= 0 && !strings.Contains(rest[:end], "<s>")
	}
	before := text[max(0, i-near):i]
	start := strings.LastIndex(before, "<s>")
	return start >= 0 && !strings.Contains(before[start:], "</s>")
}

// named accepts a name between the bars: letters, digits and a few signs of any script, without spaces.
func named(i int, s, bar string) (start, end int, ok bool) {
	name, ok := strings.CutPrefix(s[1:], bar)
	if !ok {
		return 0, 0, false
	}
	name = name[:min(len(name), 64)]
	n := strings.Index(name, bar+">")
	if n <= 0 {
		return 0, 0, false
	}
	for _, c := range []byte(name[:n]) {
		if !isWord(c) && c < 0x80 && c != '-' && c != '.' && c != ':' && c != '/' {
			return 0, 0, false
		}
	}
	return i, i + 1 + len(bar) + n + len(bar) + 1, true
}

func isWord(c byte) bool {
	return c == '_' || c >= '0' && c <= '9' || c|0x20 >= 'a' && c|0x20 <= 'z'
}

func seenToken(match string) (message, hint string) {
	return "control token " + match + " in text", "remove it: the service adds its own, and refuses files that spell them"
}
