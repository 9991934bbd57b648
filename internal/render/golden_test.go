package render

import (
	"flag"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/tunegate/tunegate/internal/report"
)

var update = flag.Bool("update", false, "write the golden files anew")

// golden compares with a file below testdata, or writes it.
func golden(t *testing.T, name, got string) {
	t.Helper()
	path := filepath.Join("testdata", name)
	if *update {
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if got == string(want) {
		return
	}
	g, w := strings.Split(got, "\n"), strings.Split(string(want), "\n")
	for i := range max(len(g), len(w)) {
		if i >= len(g) || i >= len(w) || g[i] != w[i] {
			t.Fatalf("%s differs from line %d on:\ngot  %q\nwant %q", path, i+1, g[min(i, len(g)):min(i+3, len(g))], w[min(i, len(w)):min(i+3, len(w))])
		}
	}
}

// render writes the text for a screen.
func render(t testing.TB, r report.Report, s Screen) string {
	t.Helper()
	var b strings.Builder
	if err := Text(&b, r, s); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

func TestGolden(t *testing.T) {
	all := cases()
	for _, name := range slices.Sorted(maps.Keys(all)) {
		r := all[name]
		t.Run(name, func(t *testing.T) {
			golden(t, name+".results.md", Results(r))
			golden(t, name+".audit.md", Audit(r))
			golden(t, name+".next.md", Next(r))
			screens := ""
			for _, width := range []int{0, 120, 80, 60, 30} {
				screens += fmt.Sprintf("=== %d columns\n%s", width, render(t, r, Screen{Width: width}))
			}
			golden(t, name+".txt", screens)
		})
	}
}

func TestTextNeverExceedsTheScreen(t *testing.T) {
	for name, r := range cases() {
		for width := minWidth; width < 140; width++ {
			for _, line := range strings.Split(render(t, r, Screen{Width: width}), "\n") {
				if n := Cells(line); n > width {
					t.Fatalf("%s at %d columns: %d in %q", name, width, n, line)
				}
			}
		}
	}
}

// Colour comes on top: without its codes the text is the one without colour.
func TestColourCarriesNothing(t *testing.T) {
	for name, r := range cases() {
		for _, width := range []int{0, 60, 25} {
			coloured := render(t, r, Screen{Width: width, Colour: true})
			plain := coloured
			for _, code := range []string{"\x1b[1;31m", "\x1b[1;32m", "\x1b[1;33m", "\x1b[1;36m", "\x1b[0m"} {
				plain = strings.ReplaceAll(plain, code, "")
			}
			if want := render(t, r, Screen{Width: width}); plain != want {
				t.Errorf("%s at %d: colour changed the text:\n%q\n%q", name, width, plain, want)
			}
			if len(r.Legs) > 0 && width != 25 && coloured == plain {
				t.Errorf("%s at %d: no colour", name, width)
			}
		}
	}
}

// What is alike is said once: forty legs held back by one are one thing to read.
func TestGroups(t *testing.T) {
	got := render(t, cases()["audit-stop"], Screen{})
	for _, want := range []string{"support-router: fail\n  the audit found", "\nbank-triage, home-assistant: inconclusive\n  not started, because of support-router\n", "nothing launched, "} {
		if !strings.Contains(got, want) {
			t.Errorf("%q is missing in\n%s", want, got)
		}
	}
	if n := strings.Count(got, "not started"); n != 1 {
		t.Errorf("the same reason stands %d times in\n%s", n, got)
	}
}
