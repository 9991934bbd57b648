package main

import (
	"bytes"
	"strings"
	"testing"

	"github.com/tunegate/tunegate/internal/render"
)

// Help of every command fits helpWidth, has an example that is one of the command's own, and names every option.
func TestHelp(t *testing.T) {
	noEnv := func(string) string { return "" }
	pages := [][]string{{"help"}}
	for _, c := range commands() {
		pages = append(pages, []string{c.name, "--help"})
	}
	for _, args := range pages {
		var out, complaints bytes.Buffer
		if code := run(t.Context(), args, noEnv, nil, &out, &complaints); code != exitPass || complaints.Len() > 0 {
			t.Fatalf("%v: exit %d, %s", args, code, complaints.String())
		}
		for line := range strings.SplitSeq(out.String(), "\n") {
			if render.Cells(line) > helpWidth || strings.TrimRight(line, " ") != line {
				t.Errorf("%v: %q", args, line)
			}
		}
		if args[0] == "help" {
			continue
		}
		_, example, found := strings.Cut(out.String(), "\nExample:\n")
		if !found || !strings.Contains(example, "tunegate "+args[0]) {
			t.Errorf("%v: no example", args)
		}
		for _, line := range complete(env{getenv: noEnv}, []string{args[0], "-"}) {
			option, _, _ := strings.Cut(line, "\t")
			if option != "--help" && !strings.Contains(out.String(), "\n  "+option+" ") {
				t.Errorf("%v: %s is not listed", args, option)
			}
		}
	}
}

// An example that is continued on further lines is still the same command.
func TestCommandLine(t *testing.T) {
	long := "tunegate audit " + strings.Repeat("x", 50) + " --bench " + strings.Repeat("y", 30) + " --format json"
	got := commandLine(long)
	if !strings.Contains(got, " \\\n      --bench y") {
		t.Errorf("%s", got)
	}
	if joined := strings.Join(strings.Fields(strings.ReplaceAll(got, "\\\n", " ")), " "); joined != long {
		t.Errorf("%q, want %q", joined, long)
	}
}
