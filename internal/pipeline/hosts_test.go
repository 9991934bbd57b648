package pipeline

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/tunegate/tunegate/internal/diag"
)

func TestHosts(t *testing.T) {
	h := bound(t, "llm.example.com=ACME_API_KEY, API.Other.example=OTHER_KEY\r\n127.0.0.1:8080=LAB_KEY\t[2001:DB8:0::7]:8443=RACK_KEY\nlocalhost=LAB_KEY\nplain.example.com:443=P llm.example.com=SECOND_KEY x_y.example.com=U")
	for _, c := range []struct {
		url, variable string
		allowed       bool
	}{
		{"https://llm.example.com/v1", "ACME_API_KEY", true},
		{"https://LLM.example.com:443/v1", "ACME_API_KEY", true},
		{"https://llm.example.com", "SECOND_KEY", true},
		{"https://llm.example.com:8443/v1", "ACME_API_KEY", false},
		{"https://llm.example.com/v1", "OTHER_KEY", false},
		{"https://llm.example.com/v1", "", false},
		{"https://llm.example.com.evil.com/v1", "ACME_API_KEY", false},
		{"https://evil-llm.example.com/v1", "ACME_API_KEY", false},
		{"https://sub.llm.example.com/v1", "ACME_API_KEY", false},
		{"https://example.com/llm.example.com", "ACME_API_KEY", false},
		{"https://llm.example.com./v1", "ACME_API_KEY", false},
		{"https://llm.example.com@evil.com/v1", "ACME_API_KEY", false},
		{"https://evil.com:443@llm.example.com/v1", "ACME_API_KEY", true}, // which is where it leads; a manifest has no such address
		{"https://api.other.example/v1", "OTHER_KEY", true},
		{"http://127.0.0.1:8080/v1", "LAB_KEY", true},
		{"http://127.0.0.1:8081/v1", "LAB_KEY", false},
		{"http://127.0.0.1/v1", "LAB_KEY", false},
		{"https://[2001:db8::7]:8443/v1", "RACK_KEY", true},
		{"https://[2001:db8:0:0:0:0:0:7]:8443/v1", "RACK_KEY", true},
		{"https://[2001:db8::7]/v1", "RACK_KEY", false},
		{"http://localhost/v1", "LAB_KEY", true},
		{"http://localhost:80/v1", "LAB_KEY", true},
		{"https://localhost/v1", "LAB_KEY", true},
		{"http://localhost:443/v1", "LAB_KEY", false},
		{"https://plain.example.com/v1", "P", true},
		{"https://x_y.example.com/v1", "U", true},
		{"", "ACME_API_KEY", false}, {"https://", "ACME_API_KEY", false}, {"https://[::1", "ACME_API_KEY", false}, {"https://llm.example.com:x/", "ACME_API_KEY", false},
	} {
		if got := h.Allow(c.url, c.variable); got != c.allowed {
			t.Errorf("%s to %s: %v", c.variable, c.url, got)
		}
	}
	none, err := ParseHosts(" \n, \t")
	if err != nil || none.Allow("https://llm.example.com", "ACME_API_KEY") {
		t.Errorf("nothing allows something (%v)", err)
	}
}

func TestHostMistakes(t *testing.T) {
	for text, want := range map[string]string{
		"llm.example.com":                      "not a pair",
		"=ACME_API_KEY":                        "not a pair",
		"llm.example.com=":                     "not a pair",
		"ACME_API_KEY=llm.example":             "is not the name of a variable",
		"a.example=sk-live-0123":               "is not the name of a variable",
		"a.example=sk-live-0123=":              "is not the name of a variable",
		"a.example=GITHUB_TOKEN":               "is not the name of a variable",
		"a.example=ACTIONS_ID_TOKEN":           "is not the name of a variable",
		"a.example=RUNNER_TEMP":                "is not the name of a variable",
		"a.example=INPUT_KEY":                  "is not the name of a variable",
		"a.example=github_token":               "is not the name of a variable",
		"https://a.example=K":                  "scheme",
		"a.example/v1=K":                       "path",
		"a.example?x=K":                        "path",
		"user@a.example=K":                     "no user",
		"*.example.com=K":                      "patterns are not supported",
		"*=K":                                  "patterns are not supported",
		"bücher.example=K":                     "beyond ASCII",
		"аpple.example=K":                      "beyond ASCII", // a Cyrillic a
		"a.example:0=K":                        "from 1 to 65535",
		"a.example:65536=K":                    "from 1 to 65535",
		"a.example:08080=K":                    "from 1 to 65535",
		"a.example:+443=K":                     "from 1 to 65535",
		"a.example:https=K":                    "from 1 to 65535",
		"a.example:=K":                         "a colon without a port",
		"[::1]:=K":                             "a colon without a port",
		"::1=K":                                "needs brackets",
		"2001:db8::7=K":                        "needs brackets",
		"[::1=K":                               "does not end",
		"[::1]8080=K":                          "does not end",
		"[127.0.0.1]=K":                        "no IPv6 address",
		"[fe80::1%eth0]=K":                     "no IPv6 address",
		"a..example=K":                         "no name of a host",
		"a.example.=K":                         "no name of a host",
		"-a.example=K":                         "no name of a host",
		".=K":                                  "no name of a host",
		"127.1=K":                              "no name of a host",
		"2130706433=K":                         "no name of a host",
		"0x7f.1=K":                             "no name of a host",
		"a.0x10=K":                             "no name of a host",
		"a.example=K A.example=K":              "K is bound to a.example twice",
		strings.Repeat("a", 64) + "=K":         "no name of a host",
		strings.Repeat("a.example=K ", 10_000): "longer than 65536 bytes",
	} {
		h, err := ParseHosts(text)
		var ms diag.Mistakes
		if !errors.As(err, &ms) || len(h.pairs) > 0 || !strings.Contains(ms[0].Message, want) || ms[0].Hint == "" || ms[0].File != "allowed-hosts" {
			t.Errorf("%.60s: %v", text, err)
		}
		if strings.Contains(fmt.Sprint(err, ms), "live") {
			t.Errorf("%s: what may be a key is repeated: %v", text, err)
		}
	}
	_, err := ParseHosts("a.example=K\n\nb.example\nc.example:0=K d.example")
	var ms diag.Mistakes
	if !errors.As(err, &ms) || len(ms) != 3 || ms[0].Line != 3 || ms[1].Line != 4 || ms[2].Line != 4 {
		t.Errorf("all mistakes at their lines: %+v", ms)
	}
	var many strings.Builder
	for i := range maxHosts + 1 {
		fmt.Fprintf(&many, "h%d.example=K ", i)
	}
	if _, err := ParseHosts(many.String()); err == nil || !strings.Contains(err.Error(), "more than 256 pairs") {
		t.Errorf("too many pairs: %v", err)
	}
}

// Whatever is put in, a pair that was read allows its own host alone, and is read back from how it is written.
func FuzzHosts(f *testing.F) {
	for _, s := range []string{"llm.example.com=ACME_API_KEY", "[::1]:80=K", "a=K,b=K\n*=K", "a@b=K", "https://x=K"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, text string) {
		h, err := ParseHosts(text)
		if err != nil {
			return
		}
		for _, b := range h.pairs {
			again, err := ParseHosts(b.String() + "=" + b.variable)
			if err != nil || len(again.pairs) != 1 || again.pairs[0] != b {
				t.Errorf("%s is read back as %+v, %v", b, again, err)
			}
			if !h.Allow("https://"+b.String()+"/v1", b.variable) || h.Allow("https://"+b.String()+".evil.example", b.variable) || h.Allow("https://evil.example/"+b.String(), b.variable) && b.host != "evil.example" {
				t.Errorf("%s allows what it should not", b)
			}
		}
	})
}
