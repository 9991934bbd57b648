package render

import (
	"bytes"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"os/exec"
	"path/filepath"
	"reflect"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/owenrumney/go-sarif/v3/pkg/report/v210/sarif"
	"github.com/santhosh-tekuri/jsonschema/v6"
	"github.com/tunegate/tunegate/internal/audit"
	"github.com/tunegate/tunegate/internal/diag"
)

// sarifSchema compiles the official schema. The module that brings it along hands it out to nobody, so that it is taken from
// its source.
func sarifSchema(t *testing.T) *jsonschema.Schema {
	t.Helper()
	known := runtime.FuncForPC(reflect.ValueOf(sarif.NewReport).Pointer())
	file, _ := known.FileLine(known.Entry())
	if !filepath.IsAbs(file) { // built with -trimpath
		cache, err := exec.Command("go", "env", "GOMODCACHE").Output()
		if err != nil {
			t.Fatal(err)
		}
		file = filepath.Join(strings.TrimSpace(string(cache)), file)
	}
	source, err := parser.ParseFile(token.NewFileSet(), filepath.Join(filepath.Dir(file), "schema.go"), nil, 0)
	if err != nil {
		t.Fatal(err)
	}
	var text string
	ast.Inspect(source, func(n ast.Node) bool {
		if literal, ok := n.(*ast.BasicLit); ok && len(literal.Value) > len(text) {
			text = literal.Value
		}
		return true
	})
	text, err = strconv.Unquote(text)
	if err != nil {
		t.Fatal(err)
	}
	schema, err := jsonschema.UnmarshalJSON(strings.NewReader(text))
	if err != nil {
		t.Fatal(err)
	}
	c := jsonschema.NewCompiler()
	if err := c.AddResource("sarif.json", schema); err != nil {
		t.Fatal(err)
	}
	return c.MustCompile("sarif.json")
}

// readSARIF checks a log against the official schema, which allows no property that it does not name, and reads it.
func readSARIF(t *testing.T, log []byte) *sarif.Report {
	t.Helper()
	value, err := jsonschema.UnmarshalJSON(bytes.NewReader(log))
	if err != nil {
		t.Fatal(err)
	}
	if err := sarifSchema(t).Validate(value); err != nil {
		t.Fatalf("not SARIF: %v", err)
	}
	r, err := sarif.FromBytes(log)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func TestSARIF(t *testing.T) {
	findings := []diag.Finding{
		{Rule: "blank-line", Severity: diag.Info, File: "data/train.jsonl", Line: 9, Message: "blank line", Hint: "remove it"},
		{Rule: "contradiction", Severity: diag.Warning, File: "data/train.jsonl", Line: 7, Message: "same prompt as line 3, different answer",
			Hint: "decide which answer is right, and remove the other", Related: []diag.Place{{File: "data/train.jsonl", Line: 3}}, Lines: []int{3, 7}},
		{Rule: "invalid-json", Severity: diag.Critical, File: "data/日本 語#1%.jsonl", Line: 2, Col: 5, Message: "a\x1b[31m comma | is\nmissing, [click](https://evil.example)"},
		{Rule: "too-few-examples", Severity: diag.Critical, File: "/tmp/a b.jsonl", Message: "3 examples"},
		{Rule: "length-outliers", Severity: diag.Info, File: "data/train.jsonl", Line: 4, Message: "3 examples are longer", Lines: []int{4, 5, 6}},
		{Rule: "something-else", Severity: diag.Warning, Message: "no file"},
	}
	rules := slices.DeleteFunc(audit.Rules(), func(r audit.Rule) bool {
		return !slices.ContainsFunc(findings, func(f diag.Finding) bool { return f.Rule == r.Name })
	})
	for i := range rules {
		rules[i].Doc = "What " + rules[i].Name + " is. And why, e.g. so."
	}
	log := SARIF(findings, rules, "v1.2.3")
	readSARIF(t, log)
	golden(t, "findings.sarif", string(log))
	for _, version := range []string{"devel", "v0.0.0-20261122195316-feed5eed0123", ""} {
		readSARIF(t, SARIF(nil, audit.Rules(), version))
	}
}

// TestSARIFSchema: the check of the other tests finds fault.
func TestSARIFSchema(t *testing.T) {
	log := SARIF(nil, nil, "v1.0.0")
	for _, broken := range []string{`"results": 1`, `"outcomes": []`} {
		value, err := jsonschema.UnmarshalJSON(bytes.NewReader(bytes.Replace(log, []byte(`"results": []`), []byte(broken), 1)))
		if err != nil {
			t.Fatal(err)
		}
		if sarifSchema(t).Validate(value) == nil {
			t.Errorf("%s passes for SARIF", broken)
		}
	}
}

// TestSARIFLimits: however many findings there are, a page takes the log, the worst are in it, and it says what is not.
func TestSARIFLimits(t *testing.T) {
	var findings []diag.Finding
	for i := range 30_000 {
		findings = append(findings, diag.Finding{Rule: fmt.Sprintf("rule-%d", i%7), Severity: diag.Info, File: "f", Line: i + 1, Message: "m"})
	}
	findings = append(findings, diag.Finding{Rule: "last", Severity: diag.Critical, File: "f", Line: 1, Message: "m"})
	r := readSARIF(t, SARIF(findings, nil, "v1.0.0"))
	results := r.Runs[0].Results
	if len(results) != maxResults || *results[0].RuleID != "last" {
		t.Errorf("%d results, first %s", len(results), *results[0].RuleID)
	}
	said := *r.Runs[0].Invocations[0].ToolExecutionNotifications[0].Message.Text
	if want := fmt.Sprintf("%d of %d findings are left out", len(findings)-maxResults, len(findings)); !strings.HasPrefix(said, want) {
		t.Errorf("said %q, want %q", said, want)
	}
}

// TestSARIFFingerprints: rows that are added above change no fingerprint, and no two results share one.
func TestSARIFFingerprints(t *testing.T) {
	at := func(shift int) []diag.Finding {
		var fs []diag.Finding
		for i := range 3 {
			fs = append(fs, diag.Finding{Rule: "blank-line", Severity: diag.Info, File: "f", Line: 10*i + 1 + shift, Message: "blank line"},
				diag.Finding{Rule: "exact-duplicate", Severity: diag.Warning, File: "f", Line: 10*i + 2 + shift, Message: fmt.Sprintf("same example as line %d", i+1+shift)})
		}
		return fs
	}
	prints := func(fs []diag.Finding) (all []string) {
		for _, r := range readSARIF(t, SARIF(fs, nil, "v1.0.0")).Runs[0].Results {
			all = append(all, r.PartialFingerprints["tunegate/v1"])
		}
		return all
	}
	before, after := prints(at(0)), prints(at(100))
	if !slices.Equal(before, after) {
		t.Errorf("moved: %v, were %v", after, before)
	}
	slices.Sort(before)
	if n := len(slices.Compact(before)); n != 6 {
		t.Errorf("%d different fingerprints of 6 results", n)
	}
}
