//go:build unix

package swebench

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/tunegate/tunegate/internal/grade"
	"github.com/tunegate/tunegate/internal/results"
)

// official is a stand-in for python3 with the harness: it takes the same arguments, leaves the same files, keeps what it found by
// run and task alone as the real one does, and grades a patch by a word in it. What it was called with stands beside it.
const official = `#!/bin/sh
here=$(dirname "$0")
env > "$here/env"
if [ "$1" = -c ]; then echo "version 4.1.0"; exit 0; fi
[ "$1 $2" = "-m swebench.harness.run_evaluation" ] || exit 64
shift 2
while [ $# -gt 0 ]; do
	case $1 in
	--dataset_name) tasks=$2;;
	--predictions_path) patches=$2;;
	--run_id) run=$2;;
	--split|--max_workers|--timeout) echo "$1 $2" >> "$here/args";;
	*) echo "unrecognized arguments: $1" >&2; exit 2;;
	esac
	shift 2
done
[ -s "$tasks" ] || exit 65
n=0
while read -r line; do
	field() { printf '%s' "$line" | sed "s/.*\"$1\":\"\([^\"]*\)\".*/\1/"; }
	id=$(field instance_id) model=$(field model_name_or_path)
	all="$all,\"$id\""
	case $line in *'"model_patch":""'*) empty="$empty,\"$id\""; continue;; esac
	generated="$generated,\"$id\""
	dir=logs/run_evaluation/$run/$model/$id
	mkdir -p "$dir"
	if [ ! -e "$dir/report.json" ]; then
		echo "$id" >> "$here/tried"
		case $line in
		*+conflict*) echo ">>>>> Patch Apply Failed: error: patch failed" > "$dir/run_instance.log";;
		*+slow*) echo "Test timed out after 1800 seconds." > "$dir/run_instance.log";;
		*+noimage*) echo "Image not found" > "$dir/run_instance.log";;
		*+right*) echo "{\"$id\": {\"resolved\": true}}" > "$dir/report.json";;
		*+oom*) echo "{\"$id\": {\"resolved\": false, \"infra_failure\": true}}" > "$dir/report.json";;
		*) echo "{\"$id\": {\"resolved\": false}}" > "$dir/report.json";;
		esac
	fi
	n=$((n+1))
	printf '\r 50%%|xx  | %s/7 [00:01<00:01,  1.00s/it]' $n >&2
	if [ ! -e "$dir/report.json" ]; then error="$error,\"$id\""
	elif grep -q 'resolved": true' "$dir/report.json"; then resolved="$resolved,\"$id\""
	else
		unresolved="$unresolved,\"$id\""
		if grep -q infra "$dir/report.json"; then infra="$infra,\"$id\""; fi
	fi
done < "$patches"
if [ -e "$here/older" ]; then
	echo "{\"no_generation\": [${empty#,}], \"generated\": [${generated#,}], \"with_logs\": [], \"resolved\": [${resolved#,}]}" > "$model.$run.json"
else
	echo "{\"submitted_ids\": [${all#,}], \"resolved_ids\": [${resolved#,}], \"unresolved_ids\": [${unresolved#,}], \"empty_patch_ids\": [${empty#,}],
		\"error_ids\": [${error#,}], \"infra_failure_ids\": [${infra#,}], \"schema_version\": 2}" > "$model.$run.json"
fi
`

// install puts a program called python3 before all others, and returns its folder.
func install(t *testing.T, script string) string {
	t.Helper()
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "python3"), []byte(script), 0o755); err != nil {
		t.Fatal(err)
	}
	t.Setenv("PATH", dir+string(os.PathListSeparator)+os.Getenv("PATH"))
	return dir
}

func patched(word string) string {
	return "--- a/f.py\n+++ b/f.py\n@@ -1 +1 @@\n-x = \"\\\"\n+" + word + "\n"
}

// nine are tasks a-1 to a-9.
func nine(t *testing.T) Set {
	t.Helper()
	var lines strings.Builder
	for i := range 9 {
		fmt.Fprintf(&lines, `{"instance_id": "a-%d", "repo": "a/a", "base_commit": "c0", "problem_statement": "It\u2028fails.", "FAIL_TO_PASS": ["t"], "PASS_TO_PASS": []}`+"\n", i+1)
	}
	s, err := Parse(strings.NewReader(lines.String()), "lite.jsonl")
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func read(t *testing.T, parts ...string) string {
	t.Helper()
	data, err := os.ReadFile(filepath.Join(parts...))
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}

// each kind of answer there is: right, wrong, none, no patch, and all the ways in which a patch may come to nothing.
func answers() map[string]string {
	return map[string]string{"a-1": patched("right"), "a-2": patched("wrong"), "a-3": "", "a-4": patched("conflict"), "a-5": patched("slow"),
		"a-6": patched("noimage"), "a-7": patched("oom"), "a-9": patched("right")}
}

func TestRun(t *testing.T) {
	for _, schema := range []string{"2", "older"} {
		t.Run(schema, func(t *testing.T) {
			bin, set := install(t, official), nine(t)
			failed := []string{"a-6", "a-7"}
			if schema == "older" {
				if err := os.WriteFile(filepath.Join(bin, "older"), nil, 0o600); err != nil {
					t.Fatal(err)
				}
				failed = []string{"a-6"} // this one does not tell what broke from what is wrong
			}
			t.Setenv("OPENAI_API_KEY", "sk-secret")
			t.Setenv("HF_TOKEN", "hf-secret")
			t.Setenv("DOCKER_HOST", "unix:///there")
			var told []int
			h := Harness{AllowCommands: true, Dir: t.TempDir(), Workers: 2, Timeout: time.Minute, Notify: func(done, all int) { told = append(told, done, all) }}
			if err := h.Ready(t.Context(), set); err != nil {
				t.Fatal(err)
			}
			f, err := h.Run(t.Context(), set, "tuned", answers())
			if err != nil {
				t.Fatal(err)
			}
			var got []string
			for _, s := range f.Scores {
				got = append(got, fmt.Sprint(s.ID, " ", s.Value, " ", s.Line))
			}
			want := []string{"a-1 1 1", "a-2 0 2", "a-3 0 3", "a-4 0 4", "a-5 0 5", "a-7 0 7", "a-9 1 9"}
			if schema == "2" {
				want = slices.DeleteFunc(want, func(s string) bool { return s == "a-7 0 7" })
			}
			if !slices.Equal(got, want) || !slices.Equal(f.Failed, failed) || f.Name != "tuned" {
				t.Errorf("got %q and %q failed, want %q and %q", got, f.Failed, want, failed)
			}
			if len(told) == 0 || told[len(told)-2] != 8 || told[len(told)-1] != 8 {
				t.Errorf("told %v, want 8 of 8 in the end", told)
			}
			if args := read(t, bin, "args"); args != "--split test\n--max_workers 2\n--timeout 60\n" {
				t.Errorf("called with %q", args)
			}
			env := read(t, bin, "env")
			if strings.Contains(env, "secret") || !strings.Contains(env, "DOCKER_HOST=unix:///there\n") || !strings.Contains(env, "PYTHONSAFEPATH=1\n") {
				t.Errorf("environment\n%s", env)
			}

			// What the harness read is what there is: the rows to the letter, as one list, of the tasks that were answered.
			var rows []json.RawMessage
			dir := filepath.Join(h.Dir, RunID("tuned", set, answers()))
			if err := json.Unmarshal([]byte(read(t, dir, "tasks.json")), &rows); err != nil || len(rows) != 8 {
				t.Fatalf("%d tasks, %v", len(rows), err)
			}
			var first, row map[string]any
			if err := errors.Join(json.Unmarshal(rows[0], &first), json.Unmarshal(set.Instances[0].row, &row)); err != nil || !reflect.DeepEqual(first, row) {
				t.Errorf("the first task is %s, %v", rows[0], err)
			}
			var prediction map[string]string
			line, _, _ := strings.Cut(read(t, dir, "predictions.jsonl"), "\n")
			if err := json.Unmarshal([]byte(line), &prediction); err != nil ||
				!reflect.DeepEqual(prediction, map[string]string{"instance_id": "a-1", "model_name_or_path": "tuned", "model_patch": patched("right")}) {
				t.Errorf("the first prediction is %q, %v", line, err)
			}

			// A second run tries again what the harness failed on, and nothing else that it had graded.
			if err := os.Remove(filepath.Join(bin, "tried")); err != nil {
				t.Fatal(err)
			}
			again, err := h.Run(t.Context(), set, "tuned", answers())
			if err != nil || !reflect.DeepEqual(again, f) {
				t.Errorf("again %+v, %v", again, err)
			}
			wantTried := "a-4\na-5\na-6\na-7\n"
			if schema == "older" {
				wantTried = "a-4\na-5\na-6\n"
			}
			if tried := read(t, bin, "tried"); tried != wantTried {
				t.Errorf("tried again %q, want %q", tried, wantTried)
			}
		})
	}
}

// The harness would answer another patch from what it kept of the first, so that other patches must be another run.
func TestOtherPatchesAreAnotherRun(t *testing.T) {
	install(t, official)
	set, h := nine(t), Harness{AllowCommands: true, Dir: t.TempDir()}
	for word, want := range map[string]float64{"right": 1, "wrong": 0} {
		f, err := h.Run(t.Context(), set, "tuned", map[string]string{"a-1": patched(word)})
		if err != nil || len(f.Scores) != 1 || f.Scores[0].Value != want {
			t.Errorf("%s: %+v, %v", word, f, err)
		}
	}
	one := map[string]string{"a-1": "x", "a-2": "y"}
	ids := map[string]string{}
	other := nine(t)
	other.Instances[0].row = []byte(`{}`)
	for name, id := range map[string]string{
		"as it is": RunID("tuned", set, one), "other arm": RunID("base", set, one), "other task": RunID("tuned", other, one),
		"fewer": RunID("tuned", set, map[string]string{"a-1": "x"}), "other patch": RunID("tuned", set, map[string]string{"a-1": "x", "a-2": "z"}),
		"swapped": RunID("tuned", set, map[string]string{"a-1": "y", "a-2": "x"}),
	} {
		if ids[id] != "" {
			t.Errorf("%s and %s are one run", name, ids[id])
		}
		ids[id] = name
	}
	if id := RunID("tuned", set, one); id != RunID("tuned", nine(t), one) || len(id) != len("tunegate-tuned-")+12 {
		t.Errorf("run %s", id)
	}
}

func TestPairsWithTheOtherArm(t *testing.T) {
	install(t, official)
	set, h := nine(t), Harness{AllowCommands: true, Dir: t.TempDir()}
	base, err := h.Run(t.Context(), set, "base", map[string]string{"a-1": patched("wrong"), "a-2": patched("noimage"), "a-3": ""})
	if err != nil {
		t.Fatal(err)
	}
	tuned, err := h.Run(t.Context(), set, "tuned", map[string]string{"a-1": patched("right"), "a-2": patched("right"), "a-3": ""})
	if err != nil {
		t.Fatal(err)
	}
	pairs, onlyBase, onlyTuned, err := results.Match(base, tuned)
	if err != nil || len(pairs) != 2 || pairs[0][0].Value != 0 || pairs[0][1].Value != 1 || pairs[1][0].ID != "a-3" || onlyBase != nil || !slices.Equal(onlyTuned, []string{"a-2"}) {
		t.Errorf("pairs %v, %v, %v, %v", pairs, onlyBase, onlyTuned, err)
	}
}

func TestNotReady(t *testing.T) {
	probed := func(end string) string { return "#!/bin/sh\n" + end + "\n" }
	prepared := nine(t)
	for i := range prepared.Instances {
		prepared.Instances[i].prepared = true
	}
	for _, x := range []struct {
		name, script, want string
		forbidden          bool
		set                Set
	}{
		{"not allowed", probed("echo version 4.1.0"), "is not allowed here", true, nine(t)},
		{"no harness", probed("exit 3"), "is not installed (pip install swebench)", false, nine(t)},
		{"no docker", probed("exit 4"), "Docker, which does not answer", false, nine(t)},
		{"broken", probed("printf 'Traceback\\n\\033[31mImportError: libffi\\n'; exit 1"), "does not start: exit status 1: [31mImportError: libffi", false, nine(t)},
		{"silent", probed("exit 0"), "does not tell its version", false, nine(t)},
		{"version 1", probed("echo version 1.1.5"), "version 1.1.5, and 2 is the first", false, nine(t)},
		{"version 5, old rows", probed("echo version 5.0.2"), "wants the columns image and eval_script, and the task on line 1 has none", false, nine(t)},
		{"version 5, new rows", probed("echo version 5.0.2; echo a warning >&2"), "", false, prepared},
	} {
		t.Run(x.name, func(t *testing.T) {
			install(t, x.script)
			err := Harness{AllowCommands: !x.forbidden, Dir: t.TempDir()}.Ready(t.Context(), x.set)
			var skipped *grade.Skipped
			if x.want == "" && err != nil || x.want != "" && (!errors.As(err, &skipped) || !strings.Contains(skipped.Reason, x.want)) {
				t.Errorf("got %v, want %q", err, x.want)
			}
		})
	}
	t.Run("no python", func(t *testing.T) {
		t.Setenv("PATH", t.TempDir())
		var skipped *grade.Skipped
		if err := (Harness{AllowCommands: true, Dir: t.TempDir()}).Ready(t.Context(), nine(t)); !errors.As(err, &skipped) || !strings.Contains(skipped.Reason, "python3, which is not installed") {
			t.Errorf("got %v", err)
		}
	})
}

func TestRunFails(t *testing.T) {
	const m = "#!/bin/sh\nfor run; do :; done\n" // run is the last argument
	one := map[string]string{"a-1": patched("right"), "a-2": ""}
	for _, x := range []struct {
		name, script, arm, want string
		patches                 map[string]string
	}{
		{"breaks", m + `echo "KeyError: 'image'"; exit 1`, "tuned", "exit status 1: KeyError: 'image'", one},
		{"is killed", m + `kill -9 $$`, "tuned", "signal: killed", one},
		{"no report", m + `echo no instances`, "tuned", "ended without a report: no instances", one},
		{"broken report", m + `echo '{"resolved_ids": ' > tuned.$run.json`, "tuned", "its report cannot be used", one},
		{"another's report", m + `echo '{"submitted_ids": ["b-1"], "resolved_ids": ["b-1"]}' > tuned.$run.json`, "tuned", "not of these patches", one},
		{"resolved by nothing", m + `echo '{"submitted_ids": ["a-2"], "resolved_ids": ["a-2"]}' > tuned.$run.json`, "tuned", "not of these patches", one},
		{"an arm that is a path", official, "../x", "names no arm", one},
		{"unknown task", official, "tuned", "patches for tasks that lite.jsonl does not have", map[string]string{"b-1": "x"}},
		{"no patch", official, "tuned", "no answer", nil},
	} {
		t.Run(x.name, func(t *testing.T) {
			install(t, x.script)
			f, err := Harness{AllowCommands: true, Dir: t.TempDir()}.Run(t.Context(), nine(t), x.arm, x.patches)
			if err == nil || !strings.Contains(err.Error(), x.want) || len(f.Scores) > 0 {
				t.Errorf("got %v, want %q", err, x.want)
			}
		})
	}
	var skipped *grade.Skipped
	if _, err := (Harness{Dir: t.TempDir()}).Run(t.Context(), nine(t), "tuned", one); !errors.As(err, &skipped) {
		t.Errorf("not allowed: %v", err)
	}
}

// A report that an earlier run left is not taken for that of a run that broke.
func TestOldReportIsNotTaken(t *testing.T) {
	set, h, patches := nine(t), Harness{AllowCommands: true, Dir: t.TempDir()}, map[string]string{"a-1": patched("right")}
	install(t, official)
	if _, err := h.Run(t.Context(), set, "tuned", patches); err != nil {
		t.Fatal(err)
	}
	install(t, "#!/bin/sh\nexit 0\n")
	if f, err := h.Run(t.Context(), set, "tuned", patches); err == nil {
		t.Errorf("scored %v", f.Scores)
	}
}

// The end of the context ends all that the harness started.
func TestCancel(t *testing.T) {
	bin := install(t, "#!/bin/sh\nsleep 1000 > \"$(dirname \"$0\")/alive\" &\nprintf '| 1/1 [' >&2\nwait\n")
	alive := filepath.Join(bin, "alive")
	if err := syscall.Mkfifo(alive, 0o600); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	ended := make(chan error, 1)
	go func() { // the pipe ends with the last process that holds it
		f, err := os.Open(alive)
		if err == nil {
			cancel()
			_, err = io.ReadAll(f)
		}
		ended <- err
	}()
	h := Harness{AllowCommands: true, Dir: t.TempDir()}
	if _, err := h.Run(ctx, nine(t), "tuned", map[string]string{"a-1": patched("right")}); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
	select {
	case err := <-ended:
		if err != nil {
			t.Error(err)
		}
	case <-time.After(20 * time.Second):
		t.Error("a process that the harness started lives on")
	}
}
