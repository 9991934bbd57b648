package runner

import (
	"bytes"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/tunegate/tunegate/internal/diag"
)

// stage is a runner's side of the protocol: files for outputs and summary, and what was printed.
type stage struct {
	*Runner
	printed         bytes.Buffer
	output, summary string // paths
}

func newStage(t *testing.T, more map[string]string) *stage {
	t.Helper()
	dir := t.TempDir()
	s := &stage{output: filepath.Join(dir, "output"), summary: filepath.Join(dir, "summary")}
	vars := map[string]string{"GITHUB_ACTIONS": "true", "GITHUB_OUTPUT": s.output, "GITHUB_STEP_SUMMARY": s.summary, "GITHUB_WORKSPACE": dir}
	for k, v := range more {
		vars[k] = v
	}
	s.Runner = New(func(k string) string { return vars[k] }, &s.printed)
	return s
}

func read(t *testing.T, path string) string {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

func TestInput(t *testing.T) {
	s := newStage(t, map[string]string{"INPUT_MAX-COST-USD": " 5 \n", "INPUT_COMMAND": "run"})
	for name, want := range map[string]string{"max-cost-usd": "5", "command": "run", "absent": ""} {
		if got := s.Input(name); got != want {
			t.Errorf("%s: %q, want %q", name, got, want)
		}
	}
}

func TestOutputTakesOnePlainLine(t *testing.T) {
	s := newStage(t, nil)
	if err := s.Output("verdict", "pass"); err != nil {
		t.Fatal(err)
	}
	want := "verdict<<" + delimiter + "\npass\n" + delimiter + "\n"
	if got := read(t, s.output); got != want {
		t.Errorf("%q, want %q", got, want)
	}
	for _, hostile := range []string{
		"x\n" + delimiter + "\nverdict<<E\npass\nE", "x\rverdict=pass", delimiter, "a\x00b", "a\u2028b", "a\u0085b",
	} {
		if err := s.Output("report", hostile); err == nil {
			t.Errorf("%q was taken", hostile)
		}
	}
	if got := read(t, s.output); got != want {
		t.Errorf("a refused value was written: %q", got)
	}
}

func TestFilesThatCannotBeWrittenAreErrors(t *testing.T) {
	s := newStage(t, map[string]string{"GITHUB_OUTPUT": t.TempDir(), "GITHUB_STEP_SUMMARY": t.TempDir()})
	if err := s.Output("verdict", "pass"); err == nil || !strings.Contains(err.Error(), "setting the output verdict: ") {
		t.Errorf("output: %v", err)
	}
	if err := s.Summary("page"); err == nil || !strings.Contains(err.Error(), "writing the job summary: ") {
		t.Errorf("summary: %v", err)
	}
}

func TestWithoutARunnerItPrintsAndKeepsSecrets(t *testing.T) {
	var printed bytes.Buffer
	r := New(func(string) string { return "" }, &printed)
	r.Mask("secret")
	r.Annotate("", ".", []diag.Finding{{Rule: "r", Severity: diag.Critical, Message: "m"}})
	end := r.Plain()
	end()
	if err := r.Output("verdict", "pass"); err != nil {
		t.Error(err)
	}
	if err := r.Summary("# Page"); err != nil {
		t.Error(err)
	}
	if err := r.HandOver("."); err != nil {
		t.Error(err)
	}
	if got, want := printed.String(), "verdict=pass\n# Page\n"; got != want {
		t.Errorf("printed %q, want %q", got, want)
	}
}

func TestMaskHidesEveryLine(t *testing.T) {
	s := newStage(t, nil)
	s.Mask("")
	s.Mask("one\r\n\n two%\n")
	if got, want := s.printed.String(), "::add-mask::one\n::add-mask::two%25\n"; got != want {
		t.Errorf("%q, want %q", got, want)
	}
}

// What a stranger wrote stands between two commands that nobody can guess.
func TestPlain(t *testing.T) {
	s := newStage(t, nil)
	for range 2 {
		end := s.Plain()
		s.printed.WriteString("::error::forged\nno newline at the end")
		end()
	}
	m := regexp.MustCompile(`(?s)^::stop-commands::([A-Z2-7]{26})\n::error::forged\nno newline at the end\n::([A-Z2-7]{26})::\n` +
		`::stop-commands::([A-Z2-7]{26})\n.*\n::([A-Z2-7]{26})::\n$`).FindStringSubmatch(s.printed.String())
	if m == nil || m[1] != m[2] || m[3] != m[4] || m[1] == m[3] {
		t.Errorf("printed %q", s.printed.String())
	}
}

func TestAnnotate(t *testing.T) {
	s := newStage(t, nil)
	t.Chdir(s.getenv("GITHUB_WORKSPACE"))
	s.Annotate("", "sub", []diag.Finding{
		{Rule: "bad-weight", Severity: diag.Critical, File: "data/a,b:c.jsonl", Line: 3, Col: 7, Message: "weight is 2\n::set-output name=x::y", Hint: "100 % sure"},
		{Rule: "note", Severity: diag.Info, File: "../../elsewhere.jsonl", Line: 1, Message: "outside"},
		{Rule: "whole", Severity: diag.Warning, File: "data/a.jsonl", Message: "the file"},
		{Rule: "long", Severity: diag.Warning, Message: strings.Repeat("é", messageLimit)},
	})
	lines := strings.Split(strings.TrimSuffix(s.printed.String(), "\n"), "\n")
	want := []string{
		"::error col=7,file=sub/data/a%2Cb%3Ac.jsonl,line=3,title=tunegate%3A bad-weight::weight is 2%0A::set-output name=x::y%0A100 %25 sure",
		"::warning file=sub/data/a.jsonl,title=tunegate%3A whole::the file",
	}
	if len(lines) != 4 || lines[0] != want[0] || lines[1] != want[1] {
		t.Fatalf("printed\n%s\nwant first\n%s", strings.Join(lines, "\n"), strings.Join(want, "\n"))
	}
	if _, text, _ := strings.Cut(lines[2], "long::"); len(text) > messageLimit || !utf8.ValidString(text) || !strings.HasSuffix(text, "é…") {
		t.Errorf("the long message has %d bytes and ends with %q", len(text), text[len(text)-8:])
	}
	if want := "::notice title=tunegate%3A note::../../elsewhere.jsonl:1: outside [note]"; lines[3] != want {
		t.Errorf("outside: %q, want %q", lines[3], want)
	}
}

// The runner drops what comes after the tenth, in silence.
func TestAnnotateAtMostTenOfAKind(t *testing.T) {
	for n, last := range map[int]string{10: "finding 9", 11: "and 2 more like these, in the job summary", 500: "and 491 more like these, in the job summary"} {
		s := newStage(t, nil)
		findings := make([]diag.Finding, n)
		for i := range findings {
			findings[i] = diag.Finding{Rule: "r", Severity: diag.Warning, Message: "finding " + string(rune('0'+i%10))}
		}
		s.Annotate("", ".", findings)
		lines := strings.Split(strings.TrimSpace(s.printed.String()), "\n")
		if len(lines) != 10 || !strings.HasSuffix(lines[9], "::"+last) {
			t.Errorf("%d findings: %d annotations, the last %q", n, len(lines), lines[len(lines)-1])
		}
	}
}

func TestSummaryFitsAndKeepsTheVerdict(t *testing.T) {
	head := "# Results\n\n**fail**\n"
	leg := "\n## leg\n\n" + strings.Repeat("detail\n", 1000)
	s := newStage(t, nil)
	if err := s.Summary(head + strings.Repeat(leg, 300)); err != nil {
		t.Fatal(err)
	}
	got := read(t, s.summary)
	if len(got) > summaryLimit || len(got) < summaryLimit-len(leg)-len(cutNote)-2 {
		t.Errorf("the summary has %d bytes", len(got))
	}
	if !strings.HasPrefix(got, head) || !strings.HasSuffix(got, "detail\n"+cutNote+"\n") || strings.Count(got, "detail\n") != 1000*strings.Count(got, "## leg\n") {
		t.Errorf("the summary is not made of whole sections: …%q", got[len(got)-200:])
	}
	// What else the step has written counts too.
	if err := s.Summary(head + strings.Repeat(leg, 2)); err != nil {
		t.Fatal(err)
	}
	if n := len(read(t, s.summary)); n > summaryLimit {
		t.Errorf("with a second page the summary has %d bytes", n)
	}
}

func TestShorten(t *testing.T) {
	for _, c := range []struct {
		name, page, want string
		limit            int
	}{
		{"fits", "# A\nb\n", "# A\nb\n", 6},
		{"no room for the note", strings.Repeat("x", 200), "", 20},
		{"second page goes", "# A\na\n# B\n" + strings.Repeat("b\n", 100), "# A\na\n" + cutNote, len(cutNote) + 12},
		{"lines of the only section", "# A\na\nb\n" + strings.Repeat("c", 300), "# A\na\n" + cutNote, len(cutNote) + 7},
		{"one long line", strings.Repeat("x", 300), cutNote[1:], 200},
	} {
		if got := shorten(c.page, c.limit); got != c.want || len(got) > c.limit {
			t.Errorf("%s: %q, want %q", c.name, got, c.want)
		}
	}
}
