package main

import (
	"bytes"
	"flag"
	"io/fs"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"
	"github.com/santhosh-tekuri/jsonschema/v6"

	"github.com/tunegate/tunegate/internal/grade/sandbox"
	"github.com/tunegate/tunegate/internal/localtune/wiretest"
	"github.com/tunegate/tunegate/internal/report"
)

// runAsMain makes the test binary behave as tunegate, for tests that need a process of its own.
const runAsMain = "TUNEGATE_RUN_AS_MAIN"

// through names the address of a wiretest.Proxy, which such a process and those of the scripts send all their requests through, also
// those to the embedded engine.
const through = "TUNEGATE_TEST_PROXY"

func TestMain(m *testing.M) {
	sandbox.Main()
	if address := os.Getenv(through); address != "" {
		// Of the default transport every client makes its own. The proxy variables would not do: they do not count for loopback.
		http.DefaultTransport.(*http.Transport).Proxy = func(*http.Request) (*url.URL, error) { return url.Parse(address) }
	}
	if os.Getenv(runAsMain) != "" {
		main()
	}
	if filepath.Base(os.Args[0]) != "tunegate" { // as which scripts call this program
		flag.Parse()
	}
	if f := flag.Lookup("test.parallel"); f != nil && f.Value.String() == f.DefValue {
		_ = f.Value.Set("8") // most of the tests wait for processes and for what may lag: more of them at a time than there are processors
	}
	testscript.Main(m, map[string]func(){"tunegate": main})
}

// TestScripts runs testdata/*.txtar: what a person types, and what they see.
func TestScripts(t *testing.T) {
	examples, err := os.Getwd()
	if err != nil {
		t.Fatal(err)
	}
	proxy := wiretest.Proxy(t)
	testscript.Run(t, testscript.Params{
		Dir:                 "testdata",
		RequireExplicitExec: true,
		RequireUniqueNames:  true,
		UpdateScripts:       os.Getenv("UPDATE_SCRIPTS") != "",
		Setup: func(e *testscript.Env) error {
			e.Setenv(through, proxy)
			e.Setenv("EXAMPLES", examples+"/../../testdata")
			e.Defer(func() { validReports(t, e.WorkDir) })
			return nil
		},
	})
}

// validReports checks what a script has left: every report is valid by the published schema, and beside each lie all the files that a
// run leaves.
func validReports(t *testing.T, dir string) {
	schema, err := jsonschema.UnmarshalJSON(bytes.NewReader(report.JSONSchema()))
	if err != nil {
		t.Fatal(err)
	}
	c := jsonschema.NewCompiler()
	c.AssertFormat()
	if err := c.AddResource("report.json", schema); err != nil {
		t.Fatal(err)
	}
	compiled := c.MustCompile("report.json")
	err = filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.Name() != "report.json" || filepath.Base(filepath.Dir(path)) != "reports" {
			return err
		}
		body, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		doc, err := jsonschema.UnmarshalJSON(bytes.NewReader(body))
		if err != nil {
			return err
		}
		if err := compiled.Validate(doc); err != nil {
			t.Errorf("%s: %v", path, err)
		}
		for _, name := range []string{"quick_quality_audit.md", "finetuning_results.md", "next_steps.md", "audit.sarif", "benchmark.xml", "samples.csv", "report.html"} {
			if _, err := os.Stat(filepath.Join(filepath.Dir(path), name)); err != nil {
				t.Error(err)
			}
		}
		return nil
	})
	if err != nil {
		t.Error(err)
	}
}
