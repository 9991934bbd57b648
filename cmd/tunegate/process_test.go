package main

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/tunegate/tunegate/internal/localtune"
	"github.com/tunegate/tunegate/internal/localtune/wiretest"
	"github.com/tunegate/tunegate/internal/report"
)

// process is this test binary as tunegate, all of whose exchanges are checked against the contract.
func process(t *testing.T, dir string, args ...string) *exec.Cmd {
	t.Helper()
	return processBehind(wiretest.Proxy(t), dir, args...)
}

// processBehind is process for those that share a proxy.
func processBehind(proxy, dir string, args ...string) *exec.Cmd {
	c := exec.Command(os.Args[0], args...)
	c.Dir = dir
	c.Env = append(os.Environ(), runAsMain+"=1", through+"="+proxy)
	return c
}

// example returns the absolute path of a shipped manifest.
func example(t *testing.T, name string) string {
	t.Helper()
	path, err := filepath.Abs(filepath.Join("..", "..", "testdata", name, "tunegate.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	return path
}

func readRun(t *testing.T, dir string) report.Report {
	t.Helper()
	r, err := readReport(filepath.Join(dir, "reports", "report.json"))
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// scores are what must be equal between two runs.
func scores(r report.Report) string {
	var b strings.Builder
	for _, a := range r.Agents {
		fmt.Fprintf(&b, "%s %s %v %v %d\n", a.Name, a.Verdict, *a.Base, *a.Tuned, a.N)
	}
	return b.String()
}

// jobsAt counts the jobs of a server by the run key that they bear.
func jobsAt(t *testing.T, base string) map[string]int {
	t.Helper()
	reply, err := wiretest.Client(t).Get(base + "/fine_tuning/jobs?limit=100")
	if err != nil {
		t.Fatal(err)
	}
	defer reply.Body.Close()
	var page struct {
		Data []struct {
			Metadata map[string]string `json:"metadata"`
		} `json:"data"`
	}
	if err := json.NewDecoder(reply.Body).Decode(&page); err != nil {
		t.Fatal(err)
	}
	jobs := map[string]int{}
	for _, j := range page.Data {
		jobs[j.Metadata["tunegate_run_key"]]++
	}
	return jobs
}

// The embedded engine dies with the run, at moments all over it, and each time the same command goes on. In the end
// there is one job an agent, and the scores are those of a run that was left alone.
func TestKillAnywhereThenTheSameCommand(t *testing.T) {
	calm, began := t.TempDir(), time.Now()
	if out, err := process(t, calm, "run", example(t, "five-agents")).CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	whole := time.Since(began)
	dir := t.TempDir()
	kills := 0
	const moments = 8
	for i := 1; ; i++ {
		c := process(t, dir, "run", example(t, "five-agents"), "--quiet")
		if err := c.Start(); err != nil {
			t.Fatal(err)
		}
		kill := time.AfterFunc(whole*time.Duration(i)/moments, func() {
			if i <= moments {
				_ = c.Process.Kill()
			}
		})
		err := c.Wait()
		kill.Stop()
		if err == nil {
			break
		}
		if c.ProcessState.ExitCode() != -1 {
			t.Fatalf("after %d kills the run failed by itself: %v", kills, err)
		}
		kills++
	}
	if kills == 0 {
		t.Fatal("no run was killed")
	}
	t.Logf("%d runs were killed", kills)
	if got, want := scores(readRun(t, dir)), scores(readRun(t, calm)); got != want {
		t.Errorf("scores after the kills:\n%swant:\n%s", got, want)
	}
	e, err := localtune.Open(filepath.Join(dir, ".tunegate", "local"), localtune.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer e.Close()
	s := httptest.NewServer(e)
	defer s.Close()
	jobs := jobsAt(t, s.URL+"/v1")
	if len(jobs) != 5 {
		t.Errorf("%d fine-tunes at the server, want 5", len(jobs))
	}
	for key, n := range jobs {
		if n != 1 {
			t.Errorf("%d jobs of the fine-tune %.12s", n, key)
		}
	}
}

// served starts tunegate serve and returns its base URL.
func served(t *testing.T, args ...string) string {
	t.Helper()
	c := process(t, t.TempDir(), append([]string{"serve", "--addr", "127.0.0.1:0", "--quiet"}, args...)...)
	out, err := c.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	c.Stderr = os.Stderr
	if err := c.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = c.Process.Signal(os.Interrupt)
		if err := c.Wait(); err != nil {
			t.Errorf("serve, interrupted: %v", err)
		}
	})
	line, err := bufio.NewReader(out).ReadString('\n')
	if err != nil {
		t.Fatalf("serve said nothing: %v", err)
	}
	return strings.TrimSpace(line)
}

// remote writes a manifest of the five agents on the service at base and returns its path. The data are linked to,
// within the folder that counts as the repository.
func remote(t *testing.T, base string) string {
	t.Helper()
	dir := t.TempDir()
	text, err := os.ReadFile(example(t, "five-agents"))
	if err != nil {
		t.Fatal(err)
	}
	manifest := strings.Replace(string(text), "provider: local\n", "provider: served\n", 1)
	manifest = strings.Replace(manifest, "defaults:\n", "providers:\n  served: {kind: openai, base_url: '"+base+"'}\ndefaults:\n", 1)
	if strings.Count(manifest, "served") != 2 {
		t.Fatal("the example's manifest has another form now")
	}
	path := filepath.Join(dir, "tunegate.yaml")
	if err := os.WriteFile(path, []byte(manifest), 0o644); err != nil {
		t.Fatal(err)
	}
	if err := os.CopyFS(filepath.Join(dir, "data"), os.DirFS(filepath.Join(filepath.Dir(example(t, "five-agents")), "data"))); err != nil {
		t.Fatal(err)
	}
	return path
}

// A service that goes on while runs are killed: during training, and during the benchmark. One job an agent is paid.
func TestKillOnAServiceThatGoesOn(t *testing.T) {
	base := served(t, "--step-delay", "5ms", "--latency", "2ms")
	manifest := remote(t, base)
	dir := filepath.Dir(manifest)
	for _, stage := range []string{" train ", " running", " succeeded", " benchmark "} {
		c := process(t, dir, "run", manifest)
		progress, err := c.StderrPipe()
		if err != nil {
			t.Fatal(err)
		}
		if err := c.Start(); err != nil {
			t.Fatal(err)
		}
		for lines := bufio.NewScanner(progress); lines.Scan(); {
			if strings.Contains(lines.Text(), stage) {
				_ = c.Process.Kill()
				break
			}
		}
		_, _ = io.Copy(io.Discard, progress)
		if err := c.Wait(); err == nil {
			t.Errorf("the run ended before it was killed in %q", stage)
		}
	}
	out, err := process(t, dir, "run", manifest).CombinedOutput()
	if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	jobs := jobsAt(t, base)
	for key, n := range jobs {
		if n != 1 {
			t.Errorf("%d jobs of the fine-tune %.12s", n, key)
		}
	}
	if r := readRun(t, dir); len(jobs) != 5 || r.Verdict != "pass" {
		t.Errorf("%d fine-tunes, verdict %s", len(jobs), r.Verdict)
	}
}

// What the run sends is what the contract allows, and benchmark calls are at temperature 0.
func TestRunOverTheWire(t *testing.T) {
	target, err := url.Parse(strings.TrimSuffix(served(t), "/v1"))
	if err != nil {
		t.Fatal(err)
	}
	var mu sync.Mutex
	chats, cold := 0, 0
	proxy := httputil.NewSingleHostReverseProxy(target)
	front := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if strings.HasSuffix(r.URL.Path, "/chat/completions") {
			body, _ := io.ReadAll(r.Body)
			mu.Lock()
			chats++
			if bytes.Contains(body, []byte(`"temperature":0,`)) {
				cold++
			}
			mu.Unlock()
			r.Body = io.NopCloser(bytes.NewReader(body))
		}
		proxy.ServeHTTP(w, r)
	}))
	defer front.Close()
	manifest := remote(t, front.URL+"/v1")
	out, err := process(t, filepath.Dir(manifest), "run", manifest).CombinedOutput()
	if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	if chats == 0 || cold != chats {
		t.Errorf("%d of %d benchmark calls are at temperature 0", cold, chats)
	}
}

// Ctrl-C ends a run within a second, says what goes on, and the next run continues from there.
func TestInterrupt(t *testing.T) {
	base := served(t, "--step-delay", "30ms")
	manifest := remote(t, base)
	dir := filepath.Dir(manifest)
	c := process(t, dir, "run", manifest)
	progress, err := c.StderrPipe()
	if err != nil {
		t.Fatal(err)
	}
	var result bytes.Buffer
	c.Stdout = &result
	if err := c.Start(); err != nil {
		t.Fatal(err)
	}
	lines := bufio.NewScanner(progress)
	// A launch that is cut off costs the next run 90 s of looking for its job, so all jobs are there first.
	for jobs := 0; jobs < 5 && lines.Scan(); {
		if strings.Contains(lines.Text(), ": job ftjob-") && !strings.Contains(lines.Text(), " is running") {
			jobs++
		}
	}
	at := time.Now()
	_ = c.Process.Signal(os.Interrupt)
	_, _ = io.Copy(io.Discard, progress)
	err = c.Wait()
	var exit *exec.ExitError
	if !errors.As(err, &exit) || exit.ExitCode() != exitInterrupted {
		t.Errorf("exit %v, want %d", err, exitInterrupted)
	}
	if took := time.Since(at); took > time.Second {
		t.Errorf("it took %v to stop", took)
	}
	if !strings.Contains(result.String(), "interrupted: job ftjob-") && !strings.Contains(result.String(), "interrupted; job ftjob-") { // the latter has ended
		t.Errorf("what still runs is not said:\n%s", result.String())
	}
	if r := readRun(t, dir); len(r.Legs) != 5 {
		t.Errorf("the report has %d legs, want 5", len(r.Legs))
	}
	if out, err := process(t, dir, "run", manifest).CombinedOutput(); err != nil {
		t.Errorf("the next run: %v\n%s", err, out)
	}
	for key, n := range jobsAt(t, base) {
		if n != 1 {
			t.Errorf("%d jobs of the fine-tune %.12s", n, key)
		}
	}
}
