//go:build unix

package pipeline

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/tunegate/tunegate/internal/bench"
	"github.com/tunegate/tunegate/internal/gate"
	"github.com/tunegate/tunegate/internal/manifest"
)

// tried is a stand-in for python3 with the SWE-bench harness, which resolves a task when its patch has a line "+" and the
// first part of the task's id, and fails on one of them by itself.
const tried = `#!/bin/sh
if [ "$1" = -c ]; then echo "version 4.1.0"; exit 0; fi
for run; do :; done
while [ "$1" != --predictions_path ]; do shift; done
while read -r line; do
	id=$(printf '%s' "$line" | sed 's/.*"instance_id":"\([^"]*\)".*/\1/')
	model=$(printf '%s' "$line" | sed 's/.*"model_name_or_path":"\([^"]*\)".*/\1/')
	all="$all,\"$id\""
	case $id-$line in printer-0*) ;; *+${id%-*}*) won="$won,\"$id\"";; esac
done < "$2"
echo "{\"submitted_ids\": [${all#,}], \"resolved_ids\": [${won#,}], \"infra_failure_ids\": [\"printer-0\"], \"schema_version\": 2}" > "$model.$run.json"
`

// mended is the patch that resolves tasks of this kind.
func mended(kind string) string {
	return "--- a/desk.py\n+++ b/desk.py\n@@ -1 +1 @@\n-x\n+" + kind + "\n"
}

// loadTasks is load for an agent that mends programs.
func loadTasks(t *testing.T, base string) *manifest.Manifest {
	t.Helper()
	dir := t.TempDir()
	var train, tasks strings.Builder
	for i := range 60 {
		kind := []string{"printer", "invoice"}[i%2]
		fmt.Fprintf(&train, `{"messages":[{"role":"system","content":"Mend it."},{"role":"user","content":"case %d about my %s"},{"role":"assistant","content":%q}]}`+"\n", i, kind, mended(kind))
		fmt.Fprintf(&tasks, `{"instance_id":"%s-%d","repo":"a/a","base_commit":"c","problem_statement":"p","text":"Mend it.\nmy %[1]s again, number %[3]d","patch":%[4]q,"FAIL_TO_PASS":"[\"t\"]","PASS_TO_PASS":"[]"}`+"\n",
			kind, i, 1000+i, mended("else"))
	}
	for name, text := range map[string]string{"train.jsonl": train.String(), "lite.jsonl": tasks.String(), "tunegate.yaml": "version: 1\nproviders:\n  served: {kind: openai, base_url: '" + base + "'}\n" +
		"defaults: {provider: served, base_model: local-zero-shot}\nagents:\n  mender: {train: train.jsonl, benchmark: {tests: lite.jsonl, grader: swe-bench}}\n" + paid} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	m, err := manifest.Load(filepath.Join(dir, "tunegate.yaml"), dir)
	if err != nil {
		t.Fatal(err)
	}
	return m
}

func TestPatches(t *testing.T) {
	for _, x := range []struct {
		name, script string
		forbidden    bool
		verdict      gate.Verdict
		reason       string
		launched     int
	}{
		{"judged", tried, false, gate.Pass, "better on 59 of 59 tests", 1},
		{"not allowed", tried, true, gate.Inconclusive, "not graded: the grader swe-bench runs programs, which is not allowed here, so nothing was launched", 0},
		{"no harness", "#!/bin/sh\nexit 3\n", false, gate.Inconclusive, "is not installed (pip install swebench), so nothing was launched", 0},
		{"the harness breaks", "#!/bin/sh\nif [ \"$1\" = -c ]; then echo version 4.1.0; else echo no space left; exit 1; fi\n", false, gate.Error, "exit status 1: no space left", 1},
	} {
		t.Run(x.name, func(t *testing.T) {
			bin := t.TempDir()
			if err := os.WriteFile(filepath.Join(bin, "python3"), []byte(x.script), 0o755); err != nil {
				t.Fatal(err)
			}
			t.Setenv("PATH", bin+string(os.PathListSeparator)+os.Getenv("PATH"))
			var samples []bench.Sample
			r, err := Run(t.Context(), loadTasks(t, service(t, nil)), Options{State: t.TempDir(), Wait: -1, AllowCommands: !x.forbidden, Getenv: func(string) string { return "" },
				Samples: func(_, _ string, s []bench.Sample, _ bench.Reducer) { samples = s }})
			if err != nil {
				t.Fatal(err)
			}
			leg := r.Legs[0]
			if leg.Verdict != x.verdict || r.Launched != x.launched || !strings.Contains(strings.Join(leg.Reasons, "\n"), x.reason) {
				t.Errorf("%s, %d launched, because %q; want %s, %d, %q", leg.Verdict, r.Launched, leg.Reasons, x.verdict, x.launched, x.reason)
			}
			for _, s := range samples {
				// What was not judged has no score, also where the other arm's was.
				if judged := x.verdict == gate.Pass && (s.Test != "printer-0" || s.Arm == baseArm); judged != (s.Error == "") || !judged && s.Score != 0 {
					t.Errorf("%+v", s)
				}
			}
			if x.launched > 0 && len(samples) != 120 {
				t.Errorf("%d samples", len(samples))
			}
		})
	}
}
