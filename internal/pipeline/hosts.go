package pipeline

import (
	"fmt"
	"net/netip"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/tunegate/tunegate/internal/diag"
	"github.com/tunegate/tunegate/internal/manifest"
)

// Hosts binds variables that hold keys to the services that they may be sent to. The zero value binds none.
type Hosts struct{ pairs []binding }

// binding is one pair. Port 0 stands for the port of the address's scheme.
type binding struct {
	host     string // lower case; an IPv6 address without brackets, as short as it can be written
	port     int
	variable string
}

// Limits of the input.
const (
	maxHostText = 64 << 10
	maxHosts    = 256
)

// ParseHosts reads pairs of host=VARIABLE, split by white space or commas:
//
//	llm.example.com=ACME_API_KEY  127.0.0.1:8080=LAB_KEY  [2001:db8::7]:8443=RACK_KEY
//
// A host stands for its port 443 (80 with http, to a loopback address) unless one is named. A variable may be bound to several hosts, and a host to several
// variables; no pair allows more than it says, so there are no patterns. Mistakes are diag.Mistakes of the file "allowed-hosts"; what may be a key, put there by
// mistake, is not repeated in them. Without a pair there is no mistake.
func ParseHosts(text string) (Hosts, error) {
	var h Hosts
	var mistakes diag.Mistakes
	if len(text) > maxHostText {
		return h, diag.Mistakes{hostMistake(0, fmt.Sprintf("longer than %d bytes", maxHostText), "name the services that the manifest's providers are at, and no others")}
	}
	for i, line := range strings.Split(text, "\n") {
		for _, pair := range strings.FieldsFunc(line, func(c rune) bool { return strings.ContainsRune(", \t\r", c) }) {
			b, message, hint := readBinding(pair)
			switch {
			case message != "":
			case slices.Contains(h.pairs, b):
				message, hint = fmt.Sprintf("%s is bound to %s twice", b.variable, b), "keep one of the two"
			case len(h.pairs) == maxHosts:
				message, hint = fmt.Sprintf("more than %d pairs", maxHosts), "name the services that the manifest's providers are at, and no others"
			}
			if message != "" {
				mistakes = append(mistakes, hostMistake(i+1, message, hint))
				continue
			}
			h.pairs = append(h.pairs, b)
		}
		if len(mistakes) >= maxHosts {
			break
		}
	}
	if len(mistakes) > 0 {
		return Hosts{}, mistakes
	}
	return h, nil
}

func hostMistake(line int, message, hint string) diag.Finding {
	return diag.Finding{Rule: "bad-host", Severity: diag.Critical, File: "allowed-hosts", Line: line, Message: message, Hint: hint}
}

const pairHint = "write host=VARIABLE, such as llm.example.com=ACME_API_KEY"

// hostName is a name of the DNS, in the form that certificates have it.
var hostName = regexp.MustCompile(`^([a-z0-9]([a-z0-9_-]{0,61}[a-z0-9])?\.)*[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$`)

func readBinding(pair string) (b binding, message, hint string) {
	address, variable, ok := strings.Cut(pair, "=")
	switch {
	case !ok || address == "" || variable == "":
		return b, "not a pair of a host and a variable", pairHint
	case !manifest.IsVariable(variable):
		return b, "what stands after = is not the name of a variable that may hold a key",
			"write the variable's name, such as ACME_API_KEY, never the key itself; variables of the runner's own (GITHUB_*, ACTIONS_*, RUNNER_*, INPUT_*) are never sent"
	}
	b.variable = variable
	switch {
	case strings.Contains(address, "://"):
		return b, "an address with a scheme is no host", "leave https:// out"
	case strings.ContainsAny(address, "/?#"):
		return b, "an address with a path is no host", "leave out what follows the host: a key is bound to the whole of it"
	case strings.Contains(address, "@"):
		return b, "a host has no user in it", pairHint
	case strings.Contains(address, "*"):
		return b, "patterns are not supported: whoever can get a name that fits would get the key", "name each host"
	case strings.ContainsFunc(address, func(c rune) bool { return c > 0x7e || c < 0x21 }):
		return b, "a host with characters beyond ASCII", "write it as the DNS has it, with xn--: other characters may look like a name that they are not"
	}
	host, port, bracketed := strings.ToLower(address), "", false
	if rest, in := strings.CutPrefix(host, "["); in {
		host, port, bracketed = strings.Cut(rest, "]")
		if !bracketed || port != "" && port[0] != ':' {
			return b, "an IPv6 address that does not end", "write it in brackets, such as [2001:db8::7]:8443"
		}
		if port == ":" {
			return b, "a colon without a port", "leave the colon out"
		}
		port = strings.TrimPrefix(port, ":")
	} else if strings.Count(host, ":") > 1 {
		return b, "an IPv6 address needs brackets", "such as [2001:db8::7]:8443"
	} else if before, after, colon := strings.Cut(host, ":"); colon {
		if host, port = before, after; port == "" {
			return b, "a colon without a port", "leave the colon out"
		}
	}
	if port != "" {
		n, err := strconv.Atoi(port)
		if err != nil || n < 1 || n > 65535 || strconv.Itoa(n) != port {
			return b, "a port is a whole number from 1 to 65535", "such as llm.example.com:8443=ACME_API_KEY"
		}
		b.port = n
	}
	ip, err := netip.ParseAddr(host)
	switch {
	case bracketed && (err != nil || !ip.Is6() || ip.Zone() != ""):
		return b, "no IPv6 address stands in the brackets", "such as [2001:db8::7]:8443"
	case err == nil:
		host = ip.String()
	case len(host) > 253 || !hostName.MatchString(host) || onlyDigits(host):
		return b, "no name of a host stands before =", pairHint
	}
	b.host = host
	return b, "", ""
}

// onlyDigits tells what some resolvers take for an IPv4 address (127.1, 2130706433) from a name.
func onlyDigits(host string) bool {
	last := host[strings.LastIndexByte(host, '.')+1:]
	return strings.Trim(last, "0123456789") == "" || strings.HasPrefix(last, "0x")
}

// String writes the host as a pair does.
func (b binding) String() string {
	host := b.host
	if strings.Contains(host, ":") {
		host = "[" + host + "]"
	}
	if b.port > 0 {
		host += ":" + strconv.Itoa(b.port)
	}
	return host
}

// Variables lists the variables that are bound, each once.
func (h Hosts) Variables() (names []string) {
	for _, b := range h.pairs {
		if !slices.Contains(names, b.variable) {
			names = append(names, b.variable)
		}
	}
	return names
}

// Allow reports whether the key in the variable may be sent to the service at baseURL.
func (h Hosts) Allow(baseURL, variable string) bool {
	at, scheme, ok := placeOf(baseURL)
	return ok && slices.ContainsFunc(h.pairs, func(b binding) bool {
		return b.variable == variable && b.host == at.host && b.portOf(scheme) == at.portOf(scheme)
	})
}

func (b binding) portOf(scheme string) int {
	switch {
	case b.port > 0:
		return b.port
	case scheme == "http":
		return 80
	}
	return 443
}

// placeOf is where a base URL leads.
func placeOf(baseURL string) (at binding, scheme string, ok bool) {
	u, err := url.Parse(baseURL)
	if err != nil || u.Hostname() == "" {
		return at, "", false
	}
	at.host = strings.ToLower(u.Hostname())
	if ip, err := netip.ParseAddr(at.host); err == nil {
		at.host = ip.String()
	}
	if p := u.Port(); p != "" {
		if at.port, err = strconv.Atoi(p); err != nil {
			return at, "", false
		}
	}
	return at, u.Scheme, true
}

// hostOf is the host that a pair must name for a base URL.
func hostOf(baseURL string) string {
	at, _, _ := placeOf(baseURL)
	return at.String()
}
