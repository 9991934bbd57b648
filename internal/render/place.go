package render

import (
	"net/url"
	"strings"
)

// Place is where a page will stand and what it may point to. Each part may be empty. The addresses are the caller's own and never
// from data; one that is not http or https is left out.
type Place struct {
	Commit    string // what was looked at, in full or short
	Run       string // address of the workflow run
	Artifact  string // address of the archive with reports/ and models/
	Launching bool   // of an estimate: it is being launched, so that nobody needs to
	Resumed   string // name of the workflow that goes on with what is pending, by itself
}

// link writes a link of ours, or the text alone where there is no address.
func link(text, address string) string {
	u, err := url.Parse(address)
	if err != nil || u.Scheme != "https" && u.Scheme != "http" || u.Host == "" || strings.ContainsAny(address, "<>()\"'`\\ \t\r\n|") {
		return text
	}
	return "[" + text + "](" + u.String() + ")"
}

// foot says what was looked at, and where the rest is.
func (at Place) foot(report bool) string {
	var parts []string
	if at.Commit != "" {
		parts = append(parts, "commit "+code(short(at.Commit)))
	}
	if at.Run != "" {
		parts = append(parts, link("workflow run", at.Run))
	}
	switch {
	case report && at.Artifact != "":
		parts = append(parts, link("all files of the run", at.Artifact)+", `reports/report.html` first")
	case report:
		parts = append(parts, "`reports/report.html` and `reports/report.json` have all of it")
	}
	return strings.Join(parts, " · ")
}

// short is a commit as people write it.
func short(commit string) string {
	if s := Line(commit); len(s) == 40 {
		return s[:7]
	}
	return label(commit)
}
