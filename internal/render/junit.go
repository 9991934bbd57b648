package render

import (
	"encoding/xml"
	"fmt"
	"strconv"
	"strings"

	"github.com/tunegate/tunegate/internal/bench"
	"github.com/tunegate/tunegate/internal/gate"
	"github.com/tunegate/tunegate/internal/report"
)

// JUnit is reports/benchmark.xml, for the pages of CI systems that know JUnit's reports of tests: a suite a leg, with a test case for the
// gate, which has the leg's verdict, and one for each test that was asked of its last phase, with the time that the tuned model took. It
// is valid by the schema of Ant (windyroad/JUnit-Schema) and by that of Jenkins (xunit-plugin, junit-10.xsd).
//
// What publishers make of failures decides builds, so that they agree with the gate. A leg that passes has none, though some tests
// may be lost. In one that does not, the gate is a failure (fail, inconclusive), an error or skipped (pending), and so is each
// lost test a failure: the tuned model scores less than the base. A test without an answer from both models is an error there. A test that both
// models get wrong is none: it says nothing of the fine-tune. samples.csv has all scores and answers.
func JUnit(r report.Report, answers []bench.Record) []byte {
	of := map[string][]bench.Record{}
	for _, a := range answers {
		if a.Repeat == 0 {
			of[a.Leg] = append(of[a.Leg], a)
		}
	}
	doc := junitSuites{}
	for i := range r.Legs {
		l := &r.Legs[i]
		s := junitSuite{ID: i, Name: word(l.ID), Package: "tunegate", Host: "localhost", Time: seconds(l.Seconds), Timestamp: r.Started.UTC().Format("2006-01-02T15:04:05"),
			Out: Line(strings.Join(l.Reasons, "; "))}
		s.property("verdict", string(l.Verdict))
		s.property("base_model", l.BaseModel)
		if p := l.Last(); p != nil {
			s.property("tuned_model", p.Model)
			s.property("phase", p.Name)
		}
		if d := judged(l); d != nil {
			s.property("base", score(d.Base))
			s.property("tuned", score(d.Tuned))
			s.property("improvement", gain(d.Improvement, l.Measure))
		}
		s.add(gateCase(l))
		asked := of[l.ID]
		for len(asked) > 1 && l.Last() != nil {
			base, tuned := asked[0], asked[1]
			if base.Test != tuned.Test || base.Phase != tuned.Phase || base.Arm == tuned.Arm {
				asked = asked[1:] // a row without its other arm
				continue
			}
			if asked = asked[2:]; base.Phase == l.Last().Name {
				s.add(testCase(l, base, tuned))
			}
		}
		doc.Suites = append(doc.Suites, s)
	}
	out, _ := xml.MarshalIndent(doc, "", "  ") // a value of these types is encoded whatever it holds
	return append([]byte(xml.Header), append(out, '\n')...)
}

// gateCase is the leg's verdict.
func gateCase(l *report.Leg) junitCase {
	c := junitCase{Class: word(l.ID), Name: "the gate", Time: seconds(l.Seconds)}
	why := &junitWhy{Type: word(string(l.Verdict)), Message: Clip(Line(string(l.Verdict)+": "+label(l.ID)+" "+because(l)), shownBrief), Text: Line(strings.Join(l.Reasons, "; "))}
	switch l.Verdict {
	case gate.Pass:
	case gate.Fail, gate.Inconclusive:
		c.Failure = why
	case gate.Pending:
		c.Skipped = &junitSkip{Message: why.Message}
	default:
		c.Error = why
	}
	return c
}

// testCase is one test.
func testCase(l *report.Leg, base, tuned bench.Record) junitCase {
	if base.Arm == "tuned" {
		base, tuned = tuned, base
	}
	c := junitCase{Class: word(l.ID), Name: word(base.Test), Time: seconds(tuned.Latency.Seconds())}
	if l.Verdict == gate.Pass {
		return c
	}
	switch problem := base.Error + tuned.Error; {
	case problem != "":
		c.Error = &junitWhy{Type: "no-answer", Message: Clip(Line(problem), shownBrief)}
	case tuned.Score < base.Score:
		c.Failure = &junitWhy{Type: "lost", Message: fmt.Sprintf("tuned scores %.3g, base %.3g", tuned.Score, base.Score),
			Text: fmt.Sprintf("base:  %s\ntuned: %s", Clip(clean(base.Answer), shownBrief), Clip(clean(tuned.Answer), shownBrief))}
	}
	return c
}

// word is a name as the schemas want it: something, on one line, without space around it or two in a row.
func word(s string) string {
	if s = strings.Join(strings.Fields(clean(s)), " "); s == "" {
		return blank
	}
	return s
}

func seconds(s float64) string { return strconv.FormatFloat(min(max(s, 0), 1e9), 'f', 3, 64) }

// What follows are the parts of the form that are written.
type (
	junitSuites struct {
		XMLName xml.Name     `xml:"testsuites"`
		Suites  []junitSuite `xml:"testsuite"`
	}
	junitSuite struct {
		ID         int             `xml:"id,attr"`
		Name       string          `xml:"name,attr"`
		Package    string          `xml:"package,attr"`
		Host       string          `xml:"hostname,attr"`
		Timestamp  string          `xml:"timestamp,attr"`
		Time       string          `xml:"time,attr"`
		Tests      int             `xml:"tests,attr"`
		Failures   int             `xml:"failures,attr"`
		Errors     int             `xml:"errors,attr"`
		Skipped    int             `xml:"skipped,attr"`
		Properties []junitProperty `xml:"properties>property"`
		Cases      []junitCase     `xml:"testcase"`
		Out        string          `xml:"system-out"`
		Err        string          `xml:"system-err"`
	}
	junitProperty struct {
		Name  string `xml:"name,attr"`
		Value string `xml:"value,attr"`
	}
	junitCase struct {
		Class   string     `xml:"classname,attr"`
		Name    string     `xml:"name,attr"`
		Time    string     `xml:"time,attr"`
		Skipped *junitSkip `xml:"skipped"`
		Error   *junitWhy  `xml:"error"`
		Failure *junitWhy  `xml:"failure"`
	}
	junitSkip struct {
		Message string `xml:"message,attr"`
	}
	junitWhy struct {
		Type    string `xml:"type,attr"`
		Message string `xml:"message,attr"`
		Text    string `xml:",chardata"`
	}
)

func (s *junitSuite) property(name, value string) {
	s.Properties = append(s.Properties, junitProperty{name, clean(value)})
}

func (s *junitSuite) add(c junitCase) {
	s.Cases = append(s.Cases, c)
	s.Tests++
	switch {
	case c.Failure != nil:
		s.Failures++
	case c.Error != nil:
		s.Errors++
	case c.Skipped != nil:
		s.Skipped++
	}
}
