package main

import (
	"os"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/tunegate/tunegate/internal/grade/sandbox"
)

// runAsMain makes the test binary behave as tunegate, for tests that need a process of its own.
const runAsMain = "TUNEGATE_RUN_AS_MAIN"

func TestMain(m *testing.M) {
	sandbox.Main()
	if os.Getenv(runAsMain) != "" {
		main()
	}
	testscript.Main(m, map[string]func(){"tunegate": main})
}

// TestScripts runs testdata/*.txtar: what a person types, and what they see.
func TestScripts(t *testing.T) {
	examples, err := os.Getwd()
	if err != nil {
		t.Fatal(err)
	}
	testscript.Run(t, testscript.Params{
		Dir:                 "testdata",
		RequireExplicitExec: true,
		RequireUniqueNames:  true,
		UpdateScripts:       os.Getenv("UPDATE_SCRIPTS") != "",
		Setup: func(e *testscript.Env) error {
			e.Setenv("EXAMPLES", examples+"/../../testdata")
			return nil
		},
	})
}
