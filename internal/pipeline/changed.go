package pipeline

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"

	"github.com/tunegate/tunegate/internal/dataset"
	"github.com/tunegate/tunegate/internal/diag"
	"github.com/tunegate/tunegate/internal/grade"
	"github.com/tunegate/tunegate/internal/manifest"
	"github.com/tunegate/tunegate/internal/suite"
	"github.com/tunegate/tunegate/internal/swebench"
)

// benchmarkChange says how the leg's benchmark differs from the one of that agent on the base branch, by content: tests, grader, how
// many are asked and when asking stops. "" where it does not. A new agent's is new, which is a change as well.
func (r *run) benchmarkChange(l *leg) (string, error) {
	base := r.Trust.Base
	if base == r.head {
		return "", nil
	}
	if base == nil {
		return fmt.Sprintf("the base branch has no manifest, so all of its %s are new", count(len(l.written.Tests), "test")), nil
	}
	i := slices.IndexFunc(base.Agents, func(a manifest.Agent) bool { return a.Name == l.agent.Name })
	if i < 0 {
		return fmt.Sprintf("the agent is new, and so are its %s", count(len(l.written.Tests), "test")), nil
	}
	before := base.Agents[i]
	changes := differentSettings(r.m.Benchmark, base.Benchmark)
	changes = append(changes, differentGrader(l.agent.Grader, before.Grader)...)
	files, err := differentCommand(r.m.Root, base.Root, l.agent.Grader.Command)
	if err != nil {
		return "", fmt.Errorf("comparing the grader with the base branch's: %w", err)
	}
	changes = append(changes, files...)
	old, tasks, err := openTests(before)
	var mistakes diag.Mistakes
	switch {
	case errors.As(err, &mistakes):
		changes = append(changes, "the base branch's tests cannot be read")
	case err != nil:
		return "", fmt.Errorf("comparing the tests with the base branch's: %w", err)
	default:
		changes = append(changes, differentTests(identities(l.written, l.tasks), identities(old, tasks))...)
	}
	return strings.Join(changes, "; "), nil
}

// openTests opens an agent's tests; tasks is nil where they are no tasks of SWE-bench.
func openTests(a manifest.Agent) (tests suite.Suite, tasks *swebench.Set, err error) {
	if a.Grader.Name != patchGrader {
		tests, err = suite.Open(a.TestsPath, a.Tests)
		return tests, nil, err
	}
	set, err := swebench.Open(a.TestsPath, a.Tests)
	if err != nil {
		return suite.Suite{}, nil, err
	}
	return set.Suite(), &set, nil
}

// identities are what is asked and wanted, by the tests' ids. What the harness tries a patch with is part of a task.
func identities(s suite.Suite, tasks *swebench.Set) map[string]string {
	all := make(map[string]string, len(s.Tests))
	for i, t := range s.Tests {
		all[t.ID] = t.Hash()
		if tasks != nil {
			all[t.ID] += tasks.Instances[i].Hash()
		}
	}
	return all
}

func differentTests(now, before map[string]string) (changes []string) {
	added, removed, changed := 0, 0, 0
	for id, hash := range now {
		switch was, there := before[id]; {
		case !there:
			added++
		case was != hash:
			changed++
		}
	}
	for id := range before {
		if _, there := now[id]; !there {
			removed++
		}
	}
	tell := func(n int, what string) {
		if n > 0 {
			changes = append(changes, count(n, "test")+" "+what)
		}
	}
	tell(added, "added")
	tell(removed, "removed")
	tell(changed, "changed")
	if len(changes) > 0 {
		return []string{strings.Join(changes, ", ")}
	}
	return nil
}

func differentSettings(now, before manifest.Benchmark) (changes []string) {
	tell := func(key string, now, before any) {
		if now != before {
			changes = append(changes, fmt.Sprintf("benchmark.%s is %v, was %v", key, now, before))
		}
	}
	full := func(n int) any {
		if n == 0 {
			return "all"
		}
		return n
	}
	tell("quick", now.Quick, before.Quick)
	tell("full", full(now.Full), full(before.Full))
	tell("stop", now.Stop, before.Stop)
	tell("repeats", max(now.Repeats, 1), max(before.Repeats, 1))
	tell("reduce", cmp.Or(string(now.Reduce), "mean"), cmp.Or(string(before.Reduce), "mean"))
	tell("temperature", now.Temperature, before.Temperature)
	return changes
}

func differentGrader(now, before grade.Options) []string {
	if reflect.DeepEqual(now, before) {
		return nil
	}
	if now.Name != before.Name {
		return []string{fmt.Sprintf("the grader is %s, was %s", now.Name, before.Name)}
	}
	a, b := reflect.ValueOf(now), reflect.ValueOf(before)
	var names []string
	for i := range a.NumField() {
		if !reflect.DeepEqual(a.Field(i).Interface(), b.Field(i).Interface()) {
			names = append(names, strings.ToLower(a.Type().Field(i).Name))
		}
	}
	return []string{fmt.Sprintf("the grader %s has another %s", now.Name, strings.Join(names, ", "))}
}

// differentCommand names the files of a command that are not what they are on the base branch. What such a program reads besides
// is not known; but see graderDir.
func differentCommand(root, baseRoot string, command []string) (changes []string, err error) {
	for _, word := range command {
		now, err := commandFile(root, word)
		if err != nil {
			return nil, err
		}
		before, err := commandFile(baseRoot, word)
		if err != nil {
			return nil, err
		}
		if !bytes.Equal(now, before) || len(now) > maxCompared {
			changes = append(changes, fmt.Sprintf("the grader's file %s is another one", word))
		}
	}
	return changes, nil
}

// maxCompared bounds what is read of a file that belongs to a policy or a grader. Longer ones count as different.
const maxCompared = 32 << 20

// commandFile returns the content of the file that a word of a command names in root, where the command runs; nil where it names
// none. A link out of root names none.
func commandFile(root, word string) ([]byte, error) {
	if !filepath.IsLocal(word) {
		return nil, nil
	}
	path, err := filepath.EvalSymlinks(filepath.Join(root, word))
	if err != nil {
		return nil, nil
	}
	if rel, err := filepath.Rel(root, path); err != nil || !filepath.IsLocal(rel) {
		return nil, nil
	}
	if info, err := os.Stat(path); err != nil || !info.Mode().IsRegular() {
		return nil, err
	}
	return readBounded(path, word)
}

// readBounded reads a regular file, one byte more than maxCompared at most.
func readBounded(path, name string) ([]byte, error) {
	info, err := os.Stat(path)
	if err == nil {
		err = dataset.Regular(info, name, "name a regular file")
	}
	if err != nil {
		return nil, err
	}
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	return io.ReadAll(io.LimitReader(f, maxCompared+1))
}

// graderDir is where a grader's command runs. As long as a changed benchmark is not allowed, that is the base branch's checkout: nothing that a
// pull request brings is run, also where the command reads files that none of its words names.
func (r *run) graderDir() string {
	if r.Trust != nil && r.Trust.Base != nil && !r.Trust.AllowBenchmarkChange {
		return r.Trust.Base.Root
	}
	return r.m.Root
}

// sameContent reports that two files hold the same.
func sameContent(a, b string) (bool, error) {
	x, err := readBounded(a, a)
	if err != nil {
		return false, err
	}
	y, err := readBounded(b, b)
	return err == nil && len(x) <= maxCompared && bytes.Equal(x, y), err
}
