// Package internal_test keeps the house in order: who may import whom is in the table below, and nowhere else.
package internal_test

import (
	"fmt"
	"go/parser"
	"go/token"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
)

const module = "github.com/tunegate/tunegate/"

// floors says on which floor a package stands; it may import packages of lower floors only.
var floors = map[string]int{
	"diag": 0, "stats": 0, "tokens": 0, "catalog": 0, "journal": 0, "unpack": 0, "contract": 0,
	"dataset": 1, "suite": 1, "results": 1,
	"audit": 2, "grade": 2, "train": 2, "cost": 2, "localtune": 2,
	"bench": 3, "swebench": 3,
	"gate": 4, "openaiapi": 4,
	"manifest": 5, "advice": 5,
	"report": 6, "scaffold": 6,
	"pipeline": 7,
	"render":   8, "runner": 8, "github": 8,
	"workflow": 9,
}

// owners names the one package that may import a library outside tests.
var owners = map[string]string{
	"github.com/sashabaranov/go-openai":        "openaiapi",
	"gopkg.in/yaml.v3":                         "manifest",
	"github.com/sethvargo/go-githubactions":    "runner",
	"github.com/google/go-github":              "github",
	"github.com/pkoukk/tiktoken-go-loader":     "tokens",
	"golang.org/x/text":                        "render",
	"github.com/santhosh-tekuri/jsonschema/v6": "grade",
	"github.com/klauspost/compress":            "unpack",
	"html/template":                            "no package: linking it keeps every method of every type, three megabytes of the image",
	"text/template":                            "no package, likewise",
}

// nameless are names that say nothing about what is inside.
var nameless = []string{"util", "utils", "common", "helper", "helpers", "shared", "misc", "types"}

// source is a Go file with the packages that it imports.
type source struct {
	path    string // slash-separated, below the folder that was read
	test    bool
	imports []string
}

// read parses the imports of every Go file below dir. It uses no cache and no go command, whose results would be
// taken from the test cache after the imports had changed.
func read(t *testing.T, dir string) []source {
	t.Helper()
	var all []source
	err := filepath.WalkDir(dir, func(path string, d os.DirEntry, err error) error {
		if err != nil || d.IsDir() || !strings.HasSuffix(path, ".go") {
			return err
		}
		f, err := parser.ParseFile(token.NewFileSet(), path, nil, parser.ImportsOnly)
		if err != nil {
			return err
		}
		rel, err := filepath.Rel(dir, path)
		if err != nil {
			return err
		}
		s := source{path: filepath.ToSlash(rel), test: strings.HasSuffix(path, "_test.go")}
		for _, i := range f.Imports {
			name, err := strconv.Unquote(i.Path.Value)
			if err != nil {
				return err
			}
			s.imports = append(s.imports, name)
		}
		all = append(all, s)
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return all
}

// breaches lists what is out of order in the sources of internal.
func breaches(sources []source) []string {
	var bad []string
	for _, s := range sources {
		room, _, inRoom := strings.Cut(s.path, "/")
		if !inRoom {
			continue // this test
		}
		for _, part := range strings.Split(filepath.ToSlash(filepath.Dir(s.path)), "/") {
			if slices.Contains(nameless, part) {
				bad = append(bad, fmt.Sprintf("%s: %q names no idea", s.path, part))
			}
		}
		floor, known := floors[room]
		if !known {
			bad = append(bad, fmt.Sprintf("%s: the package %s has no floor", s.path, room))
			continue
		}
		for _, name := range s.imports {
			if inner, ok := strings.CutPrefix(name, module+"internal/"); ok {
				other, _, _ := strings.Cut(inner, "/")
				// A test may look at anything below it and at itself.
				if other != room && floors[other] >= floor {
					bad = append(bad, fmt.Sprintf("%s (floor %d) imports %s (floor %d)", s.path, floor, other, floors[other]))
				}
				continue
			}
			if strings.HasPrefix(name, module) {
				bad = append(bad, fmt.Sprintf("%s imports %s", s.path, name))
			}
			for library, owner := range owners {
				if !s.test && room != owner && (name == library || strings.HasPrefix(name, library+"/")) {
					bad = append(bad, fmt.Sprintf("%s imports %s, which %s owns", s.path, library, owner))
				}
			}
		}
	}
	return bad
}

func TestFloors(t *testing.T) {
	sources := read(t, ".")
	if len(sources) < len(floors) {
		t.Fatalf("only %d sources were found", len(sources))
	}
	for _, b := range breaches(sources) {
		t.Error(b)
	}
}

// The rule itself is tested: each planted breach must be reported.
func TestFloorsSeesBreaches(t *testing.T) {
	for want, planted := range map[string]source{
		"diag/x.go (floor 0) imports report (floor 6)":                      {"diag/x.go", false, []string{module + "internal/report"}},
		"dataset/x.go (floor 1) imports suite (floor 1)":                    {"dataset/x.go", false, []string{module + "internal/suite"}},
		"train/traintest/x.go (floor 2) imports bench (floor 3)":            {"train/traintest/x.go", false, []string{module + "internal/bench"}},
		"audit/x.go imports gopkg.in/yaml.v3, which manifest owns":          {"audit/x.go", false, []string{"gopkg.in/yaml.v3"}},
		"audit/x.go imports github.com/google/go-github, which github owns": {"audit/x.go", false, []string{"github.com/google/go-github/v60/github"}},
		`audit/helpers/x.go: "helpers" names no idea`:                       {"audit/helpers/x.go", false, nil},
		"cellar/x.go: the package cellar has no floor":                      {"cellar/x.go", false, nil},
		"render/x.go imports " + module + "cmd/tunegate":                    {"render/x.go", false, []string{module + "cmd/tunegate"}},
	} {
		if got := breaches([]source{planted}); len(got) != 1 || got[0] != want {
			t.Errorf("got %q, want %q", got, want)
		}
	}
	if got := breaches([]source{{"report/x.go", false, []string{module + "internal/diag", "fmt"}}}); len(got) > 0 {
		t.Errorf("a downward import was reported: %q", got)
	}
}
