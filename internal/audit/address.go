package audit

import (
	"net/netip"
	"strings"
)

// ipAddress finds an address of the public Internet (marks digits and :). Version and section numbers look the same:
// without a word such as IP ahead of it, an IPv4 address needs eight digits, and none that is called a version counts.
func ipAddress(text string, i int) (start, end int, ok bool) {
	if text[i] == ':' {
		return ipv6(text, i)
	}
	if i+7 > len(text) || text[i] == '0' || !begins(text, i) {
		return 0, 0, false
	}
	var octets [4]byte
	digits := 0
	end = i
	for k := range octets {
		n := span(text[end:], digit, 4)
		if n == 0 || n > 3 || n > 1 && text[end] == '0' {
			return 0, 0, false
		}
		value := 0
		for _, c := range []byte(text[end : end+n]) {
			value = 10*value + int(c-'0')
		}
		if value > 255 {
			return 0, 0, false
		}
		octets[k] = byte(value)
		digits += n
		end += n
		if k < 3 {
			if end >= len(text) || text[end] != '.' {
				return 0, 0, false
			}
			end++
		}
	}
	url := strings.HasSuffix(text[:i], "://")
	if !ends(text, end) && !(url && text[end] == '/') || end < len(text) && text[end] == '/' && end+1 < len(text) && digit(text[end+1]) || !somebodys(octets) {
		return 0, 0, false
	}
	if url || strings.HasPrefix(text[end:], " - - [") { // as a web server logs
		return i, end, true
	}
	called := ahead(text, i, true, addressWord)
	return i, end, called > 0 || called == 0 && digits >= 8
}

func addressWord(word string) int {
	switch word {
	case "ip", "ips", "ipv", "ipaddress", "ipaddr", "address", "addresses", "addr", "host", "hostname", "client", "clientip", "remote", "visitor", "login", "logged", "ping", "ssh", "traceroute", "whois":
		return calls
	case "version", "versions", "ver", "release", "releases", "build", "upgrade", "upgraded", "upgrading", "downgrade", "update", "updated", "firmware", "driver", "patch", "bump", "bumps",
		"section", "sections", "sec", "chapter", "clause", "article", "paragraph", "rule", "figure", "fig", "table", "appendix", "step", "exercise", "theorem", "lemma", "oid", "dns", "netmask", "subnet":
		return noneAt
	}
	return 0
}

// somebodys reports an IPv4 address that may be a person's: not one of the special ranges (IANA special-purpose
// registry, RFC 6890), of a public name server, of a whole network (.0), or counted up for an example.
func somebodys(ip [4]byte) bool {
	a, b, c, d := ip[0], ip[1], ip[2], ip[3]
	switch {
	case a == 0, a == 10, a == 127, a >= 224, d == 0,
		a == 100 && b&0xc0 == 64, a == 169 && b == 254, a == 172 && b&0xf0 == 16, a == 192 && b == 168,
		a == 192 && b == 0 && (c == 0 || c == 2), a == 192 && b == 88 && c == 99, a == 198 && b&0xfe == 18,
		a == 198 && b == 51 && c == 100, a == 203 && b == 0 && c == 113:
		return false
	}
	switch ip {
	case [4]byte{8, 8, 8, 8}, [4]byte{8, 8, 4, 4}, [4]byte{1, 1, 1, 1}, [4]byte{1, 0, 0, 1}, [4]byte{9, 9, 9, 9}, [4]byte{208, 67, 222, 222}, [4]byte{208, 67, 220, 220},
		[4]byte{1, 2, 3, 4}, [4]byte{5, 6, 7, 8}, [4]byte{12, 34, 56, 78}, [4]byte{123, 45, 67, 89}, [4]byte{123, 123, 123, 123}, [4]byte{11, 22, 33, 44}:
		return false
	}
	return true
}

// ipv6 finds a global unicast address: all of them start with 2 or 3 today (RFC 4291), so that four hexadecimal digits stand
// ahead of the first colon. Left out are documentation (RFC 3849, RFC 9637) and public name servers.
func ipv6(text string, i int) (start, end int, ok bool) {
	start = i - 4
	if start < 0 || text[start]|1 != '3' || start > 0 && (isWord(text[start-1]) || text[start-1] == ':' || text[start-1] == '.') {
		return 0, 0, false
	}
	end = start + span(text[start:], func(c byte) bool { return digit(c) || c|0x20 >= 'a' && c|0x20 <= 'f' || c == ':' }, 40)
	for end > start && text[end-1] == ':' && !strings.HasSuffix(text[start:end], "::") {
		end-- // the colon of the sentence
	}
	if !ends(text, end) {
		return 0, 0, false
	}
	ip, err := netip.ParseAddr(text[start:end])
	if err != nil {
		return 0, 0, false
	}
	b := ip.As16()
	switch {
	case b[0] == 0x20 && b[1] == 1 && b[2] == 0x0d && b[3] == 0xb8, b[0] == 0x3f && b[1] == 0xff && b[2] < 0x10,
		strings.HasPrefix(text[start:end], "2001:4860:4860:"), strings.HasPrefix(text[start:end], "2606:4700:4700:"), strings.HasPrefix(text[start:end], "2620:fe:"):
		return 0, 0, false
	}
	return start, end, b[15] != 0 || b[14] != 0 // a network otherwise
}
