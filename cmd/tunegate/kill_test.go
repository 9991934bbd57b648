package main

import (
	"fmt"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"
)

// faulty is a proxy before a service that answers 503 and 429, delays, and drops replies to what it has let through.
func faulty(t *testing.T, base string, seed uint64) string {
	t.Helper()
	target, err := url.Parse(strings.TrimSuffix(base, "/v1"))
	if err != nil {
		t.Fatal(err)
	}
	proxy := httputil.NewSingleHostReverseProxy(target)
	proxy.ErrorHandler = func(w http.ResponseWriter, _ *http.Request, _ error) { w.WriteHeader(http.StatusBadGateway) }
	var mu sync.Mutex
	rng := rand.New(rand.NewPCG(seed, 0))
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		mu.Lock()
		luck, delay := rng.IntN(100), time.Duration(rng.Int64N(int64(20*time.Millisecond)))
		mu.Unlock()
		if strings.HasSuffix(r.URL.Path, "/chat/completions") {
			luck *= 10 // a benchmark has many
		}
		switch {
		case luck < 4:
			http.Error(w, "not now", http.StatusServiceUnavailable)
		case luck < 7:
			w.Header().Set("Retry-After", "0")
			http.Error(w, "too fast", http.StatusTooManyRequests)
		case luck < 15:
			proxy.ServeHTTP(httptest.NewRecorder(), r)
			panic(http.ErrAbortHandler) // it was done, and nobody hears of it
		case luck < 30:
			time.Sleep(delay)
			proxy.ServeHTTP(w, r)
		default:
			proxy.ServeHTTP(w, r)
		}
	}))
	t.Cleanup(s.Close)
	return s.URL + "/v1"
}

// small writes a manifest of one small agent on the service at base; the seed makes it a fine-tune of its own.
func small(t *testing.T, dir, base string, seed int) string {
	t.Helper()
	var train, tests strings.Builder
	for i := range 40 {
		word, label := []string{"printer", "laptop", "invoice", "refund"}[i%4], []string{"hardware", "hardware", "billing", "billing"}[i%4]
		const system = `{"role":"system","content":"Answer with one word. Words: hardware, billing."}`
		fmt.Fprintf(&train, `{"messages":[%s,{"role":"user","content":"case %d about my %s"},{"role":"assistant","content":"%s"}]}`+"\n", system, i, word, label)
		fmt.Fprintf(&tests, `{"id":"t%d","input":[%s,{"role":"user","content":"my %s again, number %d"}],"ideal":"%s"}`+"\n", i, system, word, 1000+i, label)
	}
	path := filepath.Join(dir, fmt.Sprintf("%d.yaml", seed))
	for name, text := range map[string]string{
		filepath.Join(dir, "train.jsonl"): train.String(), filepath.Join(dir, "tests.jsonl"): tests.String(),
		path: fmt.Sprintf("version: 1\nproviders: {served: {kind: openai, base_url: '%s'}}\nagents: {desk: {provider: served, base_model: local-zero-shot, seed: %d, train: train.jsonl, benchmark: {tests: tests.jsonl}}}\n", base, seed),
	} {
		if err := os.WriteFile(name, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	return path
}

// The program is killed at random moments, on a service with faults, and started again until it comes to its verdict;
// then the same with the next fine-tune. Each is there once. TUNEGATE_KILLS is how often, 40 by default and 8 with -short.
func TestKillAtRandomMoments(t *testing.T) {
	kills := 40
	if testing.Short() {
		kills = 8
	}
	if n, err := strconv.Atoi(os.Getenv("TUNEGATE_KILLS")); err == nil {
		kills = n
	}
	real := servedBare(t, "--step-delay", "1ms")
	base := faulty(t, real, 1)
	rng := rand.New(rand.NewPCG(2, 2))
	dir := t.TempDir()
	killed, tunes, runs := 0, 0, 0
	usual := 400 * time.Millisecond // of a run
	began := time.Now()
	for ; killed < kills; tunes++ {
		manifest := small(t, dir, base, tunes)
		state := filepath.Join(dir, fmt.Sprintf("state-%d", tunes))
		for deaths := 0; ; {
			runs++
			c := process(t, dir, "run", manifest, "--quiet", "--state", state)
			started := time.Now()
			if err := c.Start(); err != nil {
				t.Fatal(err)
			}
			// The more often it was killed the more time it gets: what settles a create takes longer than all the rest.
			kill := time.AfterFunc(time.Duration(rng.Int64N(int64(usual)*int64(3+deaths)/3)), func() { _ = c.Process.Kill() })
			err := c.Wait()
			kill.Stop()
			if c.ProcessState.ExitCode() == -1 {
				killed++
				deaths++
				if killed == kills {
					break
				}
				continue
			}
			// A create may fail for good, with no job: the service has said 503, and the list shows none.
			if code := c.ProcessState.ExitCode(); err != nil && code != exitError {
				t.Fatalf("the run ended with %v", err)
			}
			if err == nil {
				usual = min((3*usual+time.Since(started))/4, time.Second)
				break
			}
		}
	}
	// The last one is left to come to its end.
	manifest := filepath.Join(dir, fmt.Sprintf("%d.yaml", tunes-1))
	state := filepath.Join(dir, fmt.Sprintf("state-%d", tunes-1))
	for try := 1; ; try++ {
		out, err := process(t, dir, "run", manifest, "--quiet", "--state", state).CombinedOutput()
		if err == nil {
			break
		}
		if try == 5 {
			t.Fatalf("the last run: %v\n%s", err, out)
		}
	}
	t.Logf("%d kills in %d runs of %d fine-tunes, %.1fs", killed, runs, tunes, time.Since(began).Seconds())
	jobs := jobsAt(t, real)
	if len(jobs) != tunes {
		t.Errorf("%d fine-tunes at the server, want %d", len(jobs), tunes)
	}
	for key, n := range jobs {
		if n != 1 {
			t.Errorf("%d jobs of the fine-tune %.12s", n, key)
		}
	}
}
