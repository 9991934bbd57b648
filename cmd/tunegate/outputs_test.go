package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/tunegate/tunegate/internal/diag"
	"github.com/tunegate/tunegate/internal/gate"
	"github.com/tunegate/tunegate/internal/report"
)

// tunedLeg is a report of a leg with a model, or without one.
func tunedLeg(model string) report.Report {
	l := report.Leg{ID: "desk", Agent: "desk", Verdict: gate.Error}
	if model != "" {
		l.Phases = []report.Phase{{Name: "full", Model: model}}
	}
	r := report.Report{Rule: "point", Expected: []string{"desk"}, Legs: []report.Leg{l}}
	r.Complete()
	return r
}

// A checkout may bring links in the place of the folders that a run writes.
func TestOutputsFollowNoLinkOutOfTheirFolder(t *testing.T) {
	for _, folder := range []string{"reports", "models"} {
		for _, model := range []string{"ft:1", ""} {
			out, elsewhere := t.TempDir(), t.TempDir()
			if err := os.Symlink(elsewhere, filepath.Join(out, folder)); err != nil {
				t.Skip(err)
			}
			before := filepath.Join(elsewhere, "desk.json")
			if err := os.WriteFile(before, []byte("mine"), 0o644); err != nil {
				t.Fatal(err)
			}
			err := writeOutputs(out, tunedLeg(model), nil)
			if err == nil || !strings.Contains(err.Error(), folder+"/") || !strings.Contains(err.Error(), out) {
				t.Errorf("%s: got %v", folder, err)
			}
			if files, err := os.ReadDir(elsewhere); err != nil || len(files) != 1 {
				t.Errorf("%s: behind the link are %v, %v", folder, files, err)
			}
			if text, err := os.ReadFile(before); err != nil || string(text) != "mine" {
				t.Errorf("%s: behind the link stands %q, %v", folder, text, err)
			}
			// What can be written is.
			if _, err := os.Stat(filepath.Join(out, "reports", "report.json")); folder == "models" && err != nil {
				t.Error(err)
			}
		}
	}
}

// A link in the place of a file is replaced, not followed.
func TestOutputsReplaceALink(t *testing.T) {
	out, elsewhere := t.TempDir(), filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(elsewhere, []byte("mine"), 0o644); err != nil {
		t.Fatal(err)
	}
	if err := os.Mkdir(filepath.Join(out, "reports"), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(elsewhere, filepath.Join(out, "reports", "report.json")); err != nil {
		t.Skip(err)
	}
	if err := writeOutputs(out, tunedLeg("ft:1"), nil); err != nil {
		t.Fatal(err)
	}
	if text, err := os.ReadFile(elsewhere); err != nil || string(text) != "mine" {
		t.Errorf("behind the link stands %q, %v", text, err)
	}
	if r := readRun(t, out); r.Legs[0].ID != "desk" {
		t.Errorf("read %+v", r)
	}
}

// The record of a model says what the last run says, or is not there.
func TestOutputsTakeAwayTheModelOfAnEarlierRun(t *testing.T) {
	out := t.TempDir()
	for _, model := range []string{"", "ft:1", "ft:2", ""} {
		if err := writeOutputs(out, tunedLeg(model), nil); err != nil {
			t.Fatal(err)
		}
		text, err := os.ReadFile(filepath.Join(out, "models", "desk.json"))
		if model == "" && !errors.Is(err, fs.ErrNotExist) || model != "" && !strings.Contains(string(text), `"model": "`+model+`"`) {
			t.Errorf("after the model %q: %s, %v", model, text, err)
		}
		for _, folder := range []string{"models", "reports"} {
			if left, _ := filepath.Glob(filepath.Join(out, folder, ".new-*")); len(left) > 0 {
				t.Errorf("left behind: %v", left)
			}
		}
	}
}

// Only what a person has named wrongly is a mistake of theirs.
func TestWhatIsMissing(t *testing.T) {
	noEnv := func(string) string { return "" }
	missing := filepath.Join(t.TempDir(), "nowhere")
	for args, want := range map[string]int{"check " + missing + ".yaml": exitUsage, "run " + missing + ".yaml": exitUsage, "report " + missing: exitUsage, "tokens " + missing: exitUsage} {
		var out, complaints bytes.Buffer
		if code := run(t.Context(), strings.Fields(args), noEnv, nil, &out, &complaints); code != want || !strings.Contains(complaints.String(), missing) {
			t.Errorf("%s: exit code %d, want %d: %s", args, code, want, complaints.String())
		}
	}
	var complaints bytes.Buffer
	if code := finish(context.Background(), &complaints, fmt.Errorf("opening the state: %w", fs.ErrNotExist)); code != exitError || !strings.Contains(complaints.String(), "opening the state") {
		t.Errorf("exit code %d: %s", code, complaints.String())
	}
}

// Nothing that a path or a service says begins a line that a runner would take for a command, or moves a cursor.
func TestComplaintsAreText(t *testing.T) {
	const hostile = "::error::a\n::add-mask::b\r\n  ::stop-commands::c\x1b[2J ##[error]d\u2028::x"
	usage := usageError{hostile, hostile}
	finding := diag.Mistakes{{Rule: "r", File: hostile, Message: hostile, Hint: hostile}, {Rule: "r", Message: hostile}}
	for name, err := range map[string]error{"error": errors.New(hostile), "usage": usage, "findings": finding} {
		var out bytes.Buffer
		finish(t.Context(), &out, err)
		for line := range strings.Lines(out.String()) {
			line = strings.TrimSuffix(line, "\n")
			if strings.HasPrefix(strings.TrimSpace(line), "::") || strings.ContainsAny(line, "\x1b\r\u2028") || strings.Contains(line, "##[") {
				t.Errorf("%s: the line %q", name, line)
			}
		}
		if !strings.Contains(out.String(), "stop-commands") {
			t.Errorf("%s: %q", name, out.String())
		}
	}
}
