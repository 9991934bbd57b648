package render

import (
	"encoding/xml"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/tunegate/tunegate/internal/bench"
	"github.com/tunegate/tunegate/internal/report"
)

// answered are the answers to four tests of each leg that was benchmarked: one that tuned won, one that it lost, one that both
// lost, one without an answer.
func answered(r report.Report) (all []bench.Record) {
	for _, l := range r.Legs {
		for _, p := range l.Phases {
			if p.Decision == nil {
				continue
			}
			for i, scores := range [][2]float64{{0, 1}, {1, 0}, {0, 0}, {1, 1}} {
				for k, arm := range []string{"base", "tuned"} {
					a := bench.Record{Leg: l.ID, Phase: p.Name, Sample: bench.Sample{Test: fmt.Sprintf("t-%d", i), Arm: arm, Score: scores[k], Answer: "answer <" + l.ID + ">", Latency: 1500 * time.Millisecond}}
					if i == 3 && arm == "tuned" {
						a.Error = "overloaded & out"
					}
					all = append(all, a)
					a.Repeat = 1
					all = append(all, a)
				}
			}
		}
	}
	// The rows that count come first, each phase's test by test, as bench.Records writes them.
	slices.SortStableFunc(all, func(a, b bench.Record) int { return a.Repeat - b.Repeat })
	return all
}

// junitShape checks what both schemas ask for, and reads the counts.
func junitShape(t *testing.T, text []byte) (doc junitSuites) {
	t.Helper()
	if !utf8.Valid(text) {
		t.Fatal("it is not UTF-8")
	}
	d := xml.NewDecoder(strings.NewReader(string(text)))
	for {
		if _, err := d.Token(); err == io.EOF {
			break
		} else if err != nil {
			t.Fatalf("it is no XML: %v", err)
		}
	}
	if err := xml.Unmarshal(text, &doc); err != nil {
		t.Fatal(err)
	}
	for _, s := range doc.Suites {
		failures, errs, skipped := 0, 0, 0
		names := map[string]bool{}
		for _, c := range s.Cases {
			if c.Name == "" || c.Class != s.Name || names[c.Name] && len(s.Name) < 200 {
				t.Errorf("suite %q: the case %q is blank, of another suite, or there twice", s.Name, c.Name)
			}
			names[c.Name] = true
			if c.Failure != nil {
				failures++
			}
			if c.Error != nil {
				errs++
			}
			if c.Skipped != nil {
				skipped++
			}
		}
		if len(s.Cases) != s.Tests || failures != s.Failures || errs != s.Errors || skipped != s.Skipped || s.Cases[0].Name != "the gate" {
			t.Errorf("suite %q: the counts are %d, %d, %d, %d", s.Name, s.Tests, s.Failures, s.Errors, s.Skipped)
		}
	}
	return doc
}

func TestJUnit(t *testing.T) {
	for name, want := range map[string][][4]int{ // tests, failures, errors, skipped
		"pass": {{5, 0, 0, 0}, {5, 0, 0, 0}, {5, 0, 0, 0}}, "fail": {{5, 0, 0, 0}, {5, 2, 1, 0}}, "inconclusive": {{5, 2, 1, 0}}, "pending": {{5, 0, 0, 0}, {1, 0, 0, 1}},
		"audit-stop": {{1, 1, 0, 0}, {1, 1, 0, 0}, {1, 1, 0, 0}}, "error": {{5, 0, 0, 0}, {1, 0, 1, 0}}, "own-gate": {{5, 0, 0, 0}, {5, 2, 1, 0}}, "no-leg": nil,
	} {
		r := cases()[name]
		text := JUnit(r, answered(r))
		doc := junitShape(t, text)
		var got [][4]int
		for _, s := range doc.Suites {
			got = append(got, [4]int{s.Tests, s.Failures, s.Errors, s.Skipped})
		}
		if !slices.Equal(got, want) {
			t.Errorf("%s: got %v, want %v", name, got, want)
		}
		golden(t, name+".junit.xml", string(text))
	}
	r := cases()["fail"]
	if got := string(JUnit(r, nil)); strings.Count(got, "<testcase ") != 2 {
		t.Errorf("without answers there is the gate alone: %s", got)
	}
}

func TestJUnitOfHostileText(t *testing.T) {
	for _, s := range attacks() {
		r := marked(s)
		junitShape(t, JUnit(r, answered(r)))
	}
}

// TUNEGATE_JUNIT_XSD names a folder with the schemas, JUnit.xsd of windyroad/JUnit-Schema and junit-10.xsd of
// jenkinsci/xunit-plugin, which xmllint judges by.
func TestJUnitSchemas(t *testing.T) {
	dir := os.Getenv("TUNEGATE_JUNIT_XSD")
	if dir == "" {
		t.Skip("TUNEGATE_JUNIT_XSD names no folder with the schemas")
	}
	for name, r := range cases() {
		file := filepath.Join(t.TempDir(), name+".xml")
		if err := os.WriteFile(file, JUnit(r, answered(r)), 0o644); err != nil {
			t.Fatal(err)
		}
		for _, schema := range []string{"JUnit.xsd", "junit-10.xsd"} {
			if out, err := exec.Command("xmllint", "--noout", "--schema", filepath.Join(dir, schema), file).CombinedOutput(); err != nil {
				t.Errorf("%s by %s: %v\n%.600s", name, schema, err, out)
			}
		}
	}
}
