package render

import (
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"net/url"
	"regexp"
	"slices"
	"strings"

	"github.com/tunegate/tunegate/internal/audit"
	"github.com/tunegate/tunegate/internal/diag"
)

// GitHub takes 25,000 results of a run and 10 MB packed, and shows the first 5,000.
const (
	maxResults = 5000 // of a run
	maxOfRule  = 1000 // of one rule, so that a noisy one leaves room for others
	maxRelated = 100  // other places of a result
)

// SARIF writes findings as a log of the Static Analysis Results Interchange Format 2.1.0 (OASIS), for code-scanning pages:
// one run, its rules with their help, and a result a finding with a fingerprint that a move to another line does not change.
// Paths of findings are taken as relative to the repository, or as file URIs where they are absolute. The worst
// findings come first; those beyond the limits of the pages are left out, and a notification of the run says how many.
func SARIF(findings []diag.Finding, rules []audit.Rule, version string) []byte {
	driver := sarifDriver{Name: "tunegate", SemanticVersion: strings.TrimPrefix(version, "v"), Rules: []sarifRule{}}
	if !semantic.MatchString(driver.SemanticVersion) {
		driver.SemanticVersion, driver.Version = "", version
	}
	index := map[string]int{}
	describe := func(name, doc string, s diag.Severity) {
		if _, known := index[name]; known {
			return
		}
		index[name] = len(driver.Rules)
		first, _, _ := strings.Cut(doc, ". ")
		driver.Rules = append(driver.Rules, sarifRule{
			ID: name, Short: sarifText{strings.TrimSuffix(first, ".") + "."}, Full: sarifText{doc}, Help: sarifText{doc},
			Default: sarifDefault{sarifLevel(s)}, Properties: sarifTags{[]string{"training-data"}},
		})
	}
	for _, r := range rules {
		describe(r.Name, r.Doc, r.Severity)
	}
	for _, f := range findings {
		describe(f.Rule, "What tunegate calls "+f.Rule+".", f.Severity)
	}
	shown := slices.Clone(findings)
	slices.SortStableFunc(shown, func(a, b diag.Finding) int { return cmp.Compare(b.Severity, a.Severity) })
	run := sarifRun{Tool: sarifTool{driver}, Columns: "unicodeCodePoints", Results: []sarifResult{}, Invocations: []sarifInvocation{{Successful: true}}}
	ofRule, before := map[string]int{}, map[string]int{}
	for _, f := range shown {
		if ofRule[f.Rule]++; ofRule[f.Rule] > maxOfRule || len(run.Results) == maxResults {
			continue
		}
		run.Results = append(run.Results, sarifResultOf(f, index[f.Rule], before))
	}
	if left := len(shown) - len(run.Results); left > 0 {
		run.Invocations[0].Notifications = []sarifNotification{{Level: "warning", Message: sarifText{fmt.Sprintf(
			"%d of %d findings are left out: at most %d are listed, %d of one rule. The JSON form has all.", left, len(shown), maxResults, maxOfRule)}}}
	}
	// A value of these types is encoded whatever it holds.
	out, _ := json.MarshalIndent(sarifLog{"https://json.schemastore.org/sarif-2.1.0.json", "2.1.0", []sarifRun{run}}, "", "  ")
	return append(out, '\n')
}

// semantic is a version of the kind that semanticVersion asks for.
var semantic = regexp.MustCompile(`^[0-9]+\.[0-9]+\.[0-9]+([-+].*)?$`)

// lineNumbers are those that a message mentions; they change when rows are added above.
var lineNumbers = regexp.MustCompile(`\blines? [0-9]+`)

// sarifResultOf writes a finding. before counts how many findings of the same fingerprint went ahead.
func sarifResultOf(f diag.Finding, rule int, before map[string]int) sarifResult {
	text := clean(f.Message)
	if n := len(f.Lines); n > 1 && len(f.Related) == 0 {
		text += "; lines " + some(each(f.Lines, func(n int) string { return fmt.Sprint(n) }), 10)
	}
	if f.Hint != "" {
		text += ". " + clean(f.Hint)
	}
	text = strings.ReplaceAll(text, "](", "] (") // else a message could hold a link
	sum := sha256.Sum256([]byte(f.Rule + "\x00" + f.File + "\x00" + lineNumbers.ReplaceAllString(f.Message, "line")))
	print := hex.EncodeToString(sum[:16])
	before[print]++
	r := sarifResult{
		RuleID: f.Rule, RuleIndex: rule, Level: sarifLevel(f.Severity), Message: sarifText{text},
		Fingerprints: map[string]string{"tunegate/v1": fmt.Sprintf("%s:%d", print, before[print])},
	}
	if f.File != "" {
		r.Locations = append(r.Locations, sarifLocationOf(0, f.File, f.Line, f.Col))
	}
	for i, p := range f.Related[:min(len(f.Related), maxRelated)] {
		r.Related = append(r.Related, sarifLocationOf(i+1, p.File, p.Line, 0))
	}
	return r
}

func sarifLocationOf(id int, file string, line, col int) sarifLocation {
	l := sarifLocation{ID: id, Physical: sarifPhysical{Artifact: sarifArtifact{sarifURI(file)}}}
	// A finding about a whole file stands at its first line, since pages show none without one.
	l.Physical.Region = sarifRegion{StartLine: max(line, 1), StartColumn: col}
	return l
}

// sarifURI writes a path as a URI reference.
func sarifURI(path string) string {
	path = strings.ReplaceAll(path, `\`, "/")
	u := url.URL{Path: path}
	if strings.HasPrefix(path, "/") {
		u.Scheme = "file"
	}
	return u.String()
}

func sarifLevel(s diag.Severity) string {
	switch s {
	case diag.Critical:
		return "error"
	case diag.Warning:
		return "warning"
	}
	return "note"
}

// What follows are the parts of the format that are written, by the names of its specification.
type (
	sarifLog struct {
		Schema  string     `json:"$schema"`
		Version string     `json:"version"`
		Runs    []sarifRun `json:"runs"`
	}
	sarifRun struct {
		Tool        sarifTool         `json:"tool"`
		Invocations []sarifInvocation `json:"invocations"`
		Columns     string            `json:"columnKind"`
		Results     []sarifResult     `json:"results"`
	}
	sarifTool struct {
		Driver sarifDriver `json:"driver"`
	}
	sarifDriver struct {
		Name            string      `json:"name"`
		Version         string      `json:"version,omitempty"`
		SemanticVersion string      `json:"semanticVersion,omitempty"`
		Rules           []sarifRule `json:"rules"`
	}
	sarifRule struct {
		ID         string       `json:"id"`
		Short      sarifText    `json:"shortDescription"`
		Full       sarifText    `json:"fullDescription"`
		Help       sarifText    `json:"help"`
		Default    sarifDefault `json:"defaultConfiguration"`
		Properties sarifTags    `json:"properties"`
	}
	sarifDefault struct {
		Level string `json:"level"`
	}
	sarifTags struct {
		Tags []string `json:"tags"`
	}
	sarifText struct {
		Text string `json:"text"`
	}
	sarifInvocation struct {
		Successful    bool                `json:"executionSuccessful"`
		Notifications []sarifNotification `json:"toolExecutionNotifications,omitempty"`
	}
	sarifNotification struct {
		Level   string    `json:"level"`
		Message sarifText `json:"message"`
	}
	sarifResult struct {
		RuleID       string            `json:"ruleId"`
		RuleIndex    int               `json:"ruleIndex"`
		Level        string            `json:"level"`
		Message      sarifText         `json:"message"`
		Locations    []sarifLocation   `json:"locations,omitempty"`
		Related      []sarifLocation   `json:"relatedLocations,omitempty"`
		Fingerprints map[string]string `json:"partialFingerprints"`
	}
	sarifLocation struct {
		ID       int           `json:"id,omitempty"`
		Physical sarifPhysical `json:"physicalLocation"`
	}
	sarifPhysical struct {
		Artifact sarifArtifact `json:"artifactLocation"`
		Region   sarifRegion   `json:"region"`
	}
	sarifArtifact struct {
		URI string `json:"uri"`
	}
	sarifRegion struct {
		StartLine   int `json:"startLine"`
		StartColumn int `json:"startColumn,omitempty"`
	}
)
