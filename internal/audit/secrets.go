package audit

import (
	"encoding/base64"
	"encoding/json"
	"strings"
)

// The detectors below see few kinds of key, of which the form is published, and check the form in full. What looks
// made up for a document (runs such as abcdef or xxxxxx, few different characters, the word EXAMPLE) does not count.

func alnum(c byte) bool   { return c >= '0' && c <= '9' || c|0x20 >= 'a' && c|0x20 <= 'z' }
func upnum(c byte) bool   { return c >= '0' && c <= '9' || c >= 'A' && c <= 'Z' }
func base64c(c byte) bool { return alnum(c) || c == '+' || c == '/' }
func urlsafe(c byte) bool { return alnum(c) || c == '-' || c == '_' }

// span returns the length of the run of bytes that s starts with, at most limit.
func span(s string, in func(byte) bool, limit int) int {
	n := 0
	for n < len(s) && n < limit && in(s[n]) {
		n++
	}
	return n
}

// placeholder reports what was written to stand for a key.
func placeholder(s string) bool {
	var seen [256]bool
	different, same, rising := 0, 1, 1
	for i := 0; i < len(s); i++ {
		if !seen[s[i]] {
			seen[s[i]] = true
			different++
		}
		if i == 0 {
			continue
		}
		same++
		if s[i] != s[i-1] {
			same = 1
		}
		rising++
		if s[i] != s[i-1]+1 {
			rising = 1
		}
		if same >= 6 || rising >= 6 {
			return true
		}
	}
	return different < 6 || strings.Contains(s, "EXAMPLE") || strings.Contains(s, "example")
}

// awsKey finds AKIA or ASIA and 16 more, and the value of a secret access key by its name (marks K, S, _ and -).
func awsKey(text string, i int) (start, end int, ok bool) {
	if text[i] == 'K' || text[i] == 'S' {
		start = i - 1
		if start < 0 || len(text) < start+20 || text[start] != 'A' || text[start+2:start+4] != "IA" || start > 0 && urlsafe(text[start-1]) {
			return awsSecret(text, i)
		}
		n := span(text[start:], upnum, 21)
		if n != 20 || len(text) > start+n && urlsafe(text[start+n]) {
			return 0, 0, false
		}
		return start, start + n, !placeholder(text[start+4 : start+n])
	}
	return awsSecret(text, i)
}

// awsSecret finds the 40 characters of a secret access key behind its name, which ends with the word that starts at i, or
// behind the sign at i: aws_secret_access_key, aws-secret-access-key, SecretAccessKey, AWS_SECRET_KEY. What is
// called secret_key alone has to be of letters in both cases and digits.
func awsSecret(text string, i int) (start, end int, ok bool) {
	const key, spoken = 3, "Secret access key"
	at := i
	switch c := text[i]; {
	case c == '_' || c == '-':
		at++
	case c == 'S' && len(text) >= i+len(spoken) && strings.EqualFold(text[i:i+len(spoken)], spoken):
		at += len(spoken) - key
	case c == 'S', i == 0 || text[i-1] < 'a' || text[i-1] > 'z':
		return 0, 0, false
	}
	if at+key+40 > len(text) || !strings.EqualFold(text[at:at+key], "key") {
		return 0, 0, false
	}
	from := at
	for from > 0 && at-from < 32 && (urlsafe(text[from-1]) || text[i] == 'S' && from > i) {
		from--
	}
	name := strings.Map(func(r rune) rune {
		if r == '_' || r == '-' || r == ' ' {
			return -1
		}
		return r
	}, strings.ToLower(text[from:at]))
	sure := strings.HasSuffix(name, "secretaccess") || strings.HasSuffix(name, "awssecret")
	if !sure && !strings.HasSuffix(name, "secret") {
		return 0, 0, false
	}
	at += key
	at += span(text[at:], func(c byte) bool { return strings.IndexByte(" \t\r\n\"'`\\=:>,|(*", c) >= 0 }, 16)
	if rest, is := strings.CutPrefix(text[at:], "is "); is {
		at = len(text) - len(rest)
		at += span(text[at:], func(c byte) bool { return strings.IndexByte(" :\"'`", c) >= 0 }, 4)
	}
	n := span(text[at:], base64c, 41)
	value := text[at : at+n]
	return at, at + n, n == 40 && !placeholder(value) && (sure || mixed(value)) && (at+n == len(text) || !urlsafe(text[at+n]) && text[at+n] != '=')
}

// githubToken finds gh?_ and github_pat_ (mark _).
func githubToken(text string, i int) (start, end int, ok bool) {
	const pat = "github_pat"
	least := 36
	switch {
	case i >= len(pat) && text[i-len(pat):i] == pat:
		start, least = i-len(pat), 82
	case i >= 3 && text[i-3] == 'g' && text[i-2] == 'h' && strings.IndexByte("pousr", text[i-1]) >= 0:
		start = i - 3
	default:
		return 0, 0, false
	}
	if start > 0 && isWord(text[start-1]) {
		return 0, 0, false
	}
	in := alnum
	if least > 36 {
		in = isWord
	}
	n := span(text[i+1:], in, 255)
	return start, i + 1 + n, n >= least && !placeholder(text[i+1:i+1+n])
}

// openaiKey finds sk- and its forms (mark -): legacy keys and newer ones hold T3BlbkFJ ("OpenAI" in base64); project,
// service-account and admin keys name themselves.
func openaiKey(text string, i int) (start, end int, ok bool) {
	start = i - 2
	if start < 0 || text[start] != 's' || text[start+1] != 'k' || start > 0 && (isWord(text[start-1]) || text[start-1] == '-') {
		return 0, 0, false
	}
	n := span(text[i+1:], urlsafe, 255)
	body := text[i+1 : i+1+n]
	end = i + 1 + n
	named := ""
	for _, p := range [...]string{"proj-", "svcacct-", "admin-", "None-"} {
		if rest, has := strings.CutPrefix(body, p); has {
			named, body = p, rest
		}
	}
	switch {
	case placeholder(body) || !mixed(body):
		return 0, 0, false
	case strings.Contains(body, "T3BlbkFJ"):
		return start, end, len(body) >= 40
	case named != "":
		return start, end, len(body) >= 40
	}
	return start, end, len(body) == 48 && span(body, alnum, 48) == 48
}

// mixed reports upper case, lower case and digits together, as in random keys of that length.
func mixed(s string) bool {
	var up, low, digit bool
	for i := 0; i < len(s); i++ {
		c := s[i]
		up = up || c >= 'A' && c <= 'Z'
		low = low || c >= 'a' && c <= 'z'
		digit = digit || c >= '0' && c <= '9'
	}
	return up && low && digit
}

// jwt finds eyJ….….… (mark J) whose header decodes to an object with alg.
func jwt(text string, i int) (start, end int, ok bool) {
	start = i - 2
	if start < 0 || text[start] != 'e' || text[start+1] != 'y' || start > 0 && (urlsafe(text[start-1]) || text[start-1] == '.') {
		return 0, 0, false
	}
	at := start
	var parts [3]string
	for k := range parts {
		n := span(text[at:], urlsafe, 16<<10)
		parts[k] = text[at : at+n]
		at += n
		if k < 2 {
			if n < 10 || at >= len(text) || text[at] != '.' {
				return 0, 0, false
			}
			at++
		}
	}
	header, err := base64.RawURLEncoding.DecodeString(parts[0])
	var fields struct{ Alg string }
	if err != nil || json.Unmarshal(header, &fields) != nil || fields.Alg == "" || len(parts[2]) < 20 {
		return 0, 0, false
	}
	return start, at, strings.HasPrefix(parts[1], "eyJ")
}

// privateKey finds a PEM header of a private key (mark -, at the first of five) and the start of its body.
func privateKey(text string, i int) (start, end int, ok bool) {
	const begin = "-----BEGIN "
	if !strings.HasPrefix(text[i:], begin) || i > 0 && text[i-1] == '-' {
		return 0, 0, false
	}
	head := text[i+len(begin):]
	head = head[:min(len(head), 64)]
	n := strings.Index(head, "PRIVATE KEY")
	if n < 0 || span(head[:n], func(c byte) bool { return c == ' ' || upnum(c) }, n) < n {
		return 0, 0, false
	}
	n += len("PRIVATE KEY")
	if strings.HasPrefix(head[n:], " BLOCK") {
		n += len(" BLOCK")
	}
	if !strings.HasPrefix(head[n:], "-----") {
		return 0, 0, false
	}
	at := i + len(begin) + n + len("-----")
	// The body starts after line breaks, written as such or as \n, and perhaps after header lines of an encrypted key.
	body := text[at:]
	body = body[:min(len(body), 1<<10)]
	for line := range strings.FieldsFuncSeq(strings.ReplaceAll(body, `\n`, "\n"), func(r rune) bool { return r <= ' ' || r == '\\' }) {
		if n := span(line, base64c, len(line)); n >= 24 && !placeholder(line[:n]) {
			return i, at, true
		}
		if strings.HasPrefix(line, "-----") {
			break
		}
	}
	return 0, 0, false
}
