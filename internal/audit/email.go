package audit

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

// email finds an address (mark @), in letters of any script (RFC 6531). Out are what stands for no person: domains
// reserved for examples (RFC 2606), usual placeholders, mailboxes of a role such as support@, user names in URLs, and
// file and package names.
func email(text string, i int) (start, end int, ok bool) {
	if i == 0 || i+4 > len(text) || text[i-1] < 0x80 && !mailbox(text[i-1]) || text[i+1] < 0x80 && !alnum(text[i+1]) {
		return 0, 0, false
	}
	end = i + 1
	dot, foreign := 0, false // ahead of the last label
	for end < len(text) && end-i <= 254 {
		n, beyond := label(text[end:])
		if n == 0 {
			break
		}
		end += n
		foreign = foreign || beyond
		if end+1 >= len(text) || text[end] != '.' || text[end+1] < 0x80 && !alnum(text[end+1]) {
			break
		}
		if n, _ := label(text[end+1:]); n == 0 {
			break
		}
		dot = end
		end++
	}
	start = localPart(text, i, foreign)
	if start == i || i-start > 64 || dot == 0 || end < len(text) && within("(@_=", text[end]) {
		return 0, 0, false
	}
	name, host := text[start:i], strings.ToLower(text[i+1:end])
	if version := span(host, digit, len(host)); version > 0 && digit(host[min(version+1, len(host)-1)]) {
		return 0, 0, false // a package: name@1.2.3.patch
	}
	top := text[dot+1 : end]
	if span(top, letter, 64) != len(top) && !strings.HasPrefix(top, "xn--") || len(top) < 2 || exampleHost(host) || anybody(name, host) || inURL(text, start) {
		return 0, 0, false
	}
	return start, end, true
}

func mailbox(c byte) bool  { return alnum(c) || within("._%+-'", c) }
func hostname(c byte) bool { return alnum(c) || c == '-' }

// localPart returns where the name of a mailbox starts that ends at text[i]. In a script that parts no words, nobody
// knows where a name starts: a name may be of one only at a host whose name is beyond ASCII, too.
func localPart(text string, i int, foreign bool) (start int) {
	start = i
	unparted := false // as the last character
	for start > 0 && i-start < 65 {
		n := 1
		if text[start-1] >= 0x80 {
			var r rune
			if r, n = utf8.DecodeLastRuneInString(text[:start]); !unicode.In(r, unicode.L, unicode.M, unicode.Nd) {
				break
			}
			u := withoutSpaces(r)
			if u && !foreign || start < i && u != unparted {
				break
			}
			unparted = u
		} else if !mailbox(text[start-1]) || unparted {
			break
		}
		start -= n
	}
	for start < i && text[start] < 0x80 && !alnum(text[start]) {
		start++
	}
	return start
}

// label returns the length of the label of a host name that s starts with, and whether it has letters beyond ASCII.
// Letters of a script that parts no words end one that started with another.
func label(s string) (n int, beyond bool) {
	for n < len(s) && n < 64 {
		if s[n] < 0x80 {
			if !hostname(s[n]) {
				break
			}
			n++
			continue
		}
		r, size := utf8.DecodeRuneInString(s[n:])
		if !unicode.In(r, unicode.L, unicode.M) || withoutSpaces(r) && n > 0 && !beyond {
			break
		}
		beyond = true
		n += size
	}
	return n, beyond
}

// withoutSpaces reports a letter of a script that writes words without spaces, or particles to the end of them.
func withoutSpaces(r rune) bool {
	return unicode.In(r, unicode.Han, unicode.Hiragana, unicode.Katakana, unicode.Hangul, unicode.Thai, unicode.Lao, unicode.Khmer, unicode.Myanmar)
}

// exampleHost reports a host name that no person's mail goes to.
func exampleHost(host string) bool {
	dot := strings.LastIndexByte(host, '.')
	second := host[:dot]
	if strings.HasPrefix(second, "example.") || strings.Contains(second, ".example.") { // as example.co.uk
		return true
	}
	second = second[strings.LastIndexByte(second, '.')+1:]
	switch second {
	case "example", "yourdomain", "yourcompany", "youremail", "yoursite":
		return true
	}
	switch top := host[dot+1:]; top {
	case "example", "test", "invalid", "localhost", "local", "internal", "lan", "localdomain", "arpa", "onion":
		return true
	case "png", "jpg", "jpeg", "gif", "svg", "webp", "js", "ts", "jsx", "tsx", "mjs", "css", "scss", "html", "json", "yaml", "yml", "xml", "txt", "md",
		"service", "socket", "timer", "target", "mount", "slice", "tar", "gz", "zip", "tgz", "so", "dll", "exe", "log", "conf":
		return top != "so" && top != "md" && top != "zip" || len(second) < 3 // these three are countries and a domain, too
	}
	return false
}

// anybody reports a mailbox of a role, or a word that stands for a name. Digits behind a role are a person's: press2 is
// who came second.
func anybody(name, host string) bool {
	role := strings.ToLower(strings.Map(func(r rune) rune {
		if r < 0x80 && !alnum(byte(r)) {
			return -1
		}
		return r
	}, name))
	switch role {
	case "info", "support", "help", "helpdesk", "contact", "contactus", "sales", "admin", "administrator", "root", "noreply", "donotreply", "webmaster",
		"postmaster", "hostmaster", "abuse", "office", "hello", "team", "service", "services", "customerservice", "customersupport", "customercare", "care",
		"security", "press", "media", "jobs", "careers", "hr", "billing", "accounts", "accounting", "orders", "returns", "feedback", "enquiries", "inquiries",
		"mail", "email", "marketing", "news", "newsletter", "editor", "privacy", "legal", "git", "hg", "svn", "mailerdaemon", "bot", "unsubscribe", "user":
		return true
	}
	switch strings.TrimRight(role, "0123456789") {
	case "":
		return host != "qq.com" // whose names are numbers
	case "yourname", "youremail", "yourmail", "username", "firstname", "lastname", "firstnamelastname", "firstlast", "name", "someone", "somebody", "example", "test", "foo", "bar", "you", "xxx":
		return true
	}
	return false
}

// inURL reports that the name at start is the user of a URL: ssh://git@host.
func inURL(text string, start int) bool {
	before := text[max(0, start-100):start]
	at := strings.LastIndex(before, "://")
	return at >= 0 && !strings.ContainsAny(before[at+3:], "/?# \n\t")
}
