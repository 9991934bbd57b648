package audit

import "strings"

// email finds an address (mark @). Out are what stands for no person: domains reserved for examples (RFC 2606), usual
// placeholders, mailboxes of a role such as support@, user names in URLs, and file and package names.
func email(text string, i int) (start, end int, ok bool) {
	if i == 0 || i+4 > len(text) || !mailbox(text[i-1]) || !alnum(text[i+1]) {
		return 0, 0, false
	}
	start = i
	for start > 0 && i-start < 65 && mailbox(text[start-1]) {
		start--
	}
	for start < i && !alnum(text[start]) {
		start++
	}
	end = i + 1
	dot := 0 // ahead of the last label
	for end < len(text) && end-i <= 254 {
		n := span(text[end:], hostname, 64)
		if n == 0 {
			break
		}
		end += n
		if end+1 >= len(text) || text[end] != '.' || !alnum(text[end+1]) {
			break
		}
		dot = end
		end++
	}
	if start == i || i-start > 64 || dot == 0 || end < len(text) && within("(@_=", text[end]) {
		return 0, 0, false
	}
	name, host := text[start:i], strings.ToLower(text[i+1:end])
	if version := span(host, digit, len(host)); version > 0 && digit(host[min(version+1, len(host)-1)]) {
		return 0, 0, false // a package: name@1.2.3.patch
	}
	if span(text[dot+1:end], letter, 24) != end-dot-1 || end-dot < 3 || exampleHost(host) || anybody(name) || inURL(text, start) {
		return 0, 0, false
	}
	return start, end, true
}

func mailbox(c byte) bool  { return alnum(c) || within("._%+-'", c) }
func hostname(c byte) bool { return alnum(c) || c == '-' }

// exampleHost reports a host name that no person's mail goes to.
func exampleHost(host string) bool {
	dot := strings.LastIndexByte(host, '.')
	second := host[:dot]
	second = second[strings.LastIndexByte(second, '.')+1:]
	switch top := host[dot+1:]; top {
	case "example", "test", "invalid", "localhost", "local", "internal", "lan", "localdomain", "arpa", "onion":
		return true
	case "png", "jpg", "jpeg", "gif", "svg", "webp", "js", "ts", "jsx", "tsx", "mjs", "css", "scss", "html", "json", "yaml", "yml", "xml", "txt", "md",
		"service", "socket", "timer", "target", "mount", "slice", "tar", "gz", "zip", "tgz", "so", "dll", "exe", "log", "conf":
		return top != "so" && top != "md" && top != "zip" || len(second) < 3 // these three are countries and a domain, too
	case "com", "net", "org", "edu":
		switch second {
		case "example", "domain", "yourdomain", "mydomain", "yourcompany", "mycompany", "company", "sample", "test", "email", "youremail", "website", "yoursite", "mysite":
			return true
		}
	}
	return false
}

// anybody reports a mailbox of a role, or a word that stands for a name.
func anybody(name string) bool {
	role := strings.ToLower(strings.Map(func(r rune) rune {
		if r < 0x80 && !alnum(byte(r)) {
			return -1
		}
		return r
	}, name))
	switch strings.TrimRight(role, "0123456789") {
	case "", "info", "support", "help", "helpdesk", "contact", "contactus", "sales", "admin", "administrator", "root", "noreply", "donotreply", "webmaster",
		"postmaster", "hostmaster", "abuse", "office", "hello", "team", "service", "services", "customerservice", "customersupport", "customercare", "care",
		"security", "press", "media", "jobs", "careers", "hr", "billing", "accounts", "accounting", "orders", "returns", "feedback", "enquiries", "inquiries",
		"mail", "email", "marketing", "news", "newsletter", "editor", "privacy", "legal", "git", "hg", "svn", "mailerdaemon", "bot", "unsubscribe",
		"yourname", "youremail", "yourmail", "username", "firstname", "lastname", "firstnamelastname", "firstlast", "name", "someone", "somebody", "example", "test", "foo", "bar", "you", "xxx":
		return true
	case "user": // but user4711 may be someone
		return role == "user"
	}
	return false
}

// inURL reports that the name at start is the user of a URL: ssh://git@host.
func inURL(text string, start int) bool {
	before := text[max(0, start-100):start]
	at := strings.LastIndex(before, "://")
	return at >= 0 && !strings.ContainsAny(before[at+3:], "/?# \n\t")
}
