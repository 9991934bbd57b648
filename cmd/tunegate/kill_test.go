package main

import (
	"bytes"
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

	"github.com/tunegate/tunegate/internal/localtune/wiretest"
)

// faulty is a proxy before a service that answers 503 and 429, delays, and drops replies to what it has let through.
func faulty(t *testing.T, base string, seed uint64) string {
	t.Helper()
	target, err := url.Parse(strings.TrimSuffix(base, "/v1"))
	if err != nil {
		t.Fatal(err)
	}
	proxy := httputil.NewSingleHostReverseProxy(target)
	proxy.ErrorHandler = func(http.ResponseWriter, *http.Request, error) { panic(http.ErrAbortHandler) } // a client went away
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
			w.WriteHeader(http.StatusServiceUnavailable)
			fmt.Fprint(w, `{"error":{"message":"not now","type":"server_error","param":null,"code":null}}`)
		case luck < 7:
			w.Header().Set("Retry-After", "0")
			w.WriteHeader(http.StatusTooManyRequests)
			fmt.Fprint(w, `{"error":{"message":"too fast","type":"requests","param":null,"code":null}}`)
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
// then the same with the next fine-tune. Each is there once. TUNEGATE_KILLS is how often, 8 by default.
func TestKillAtRandomMoments(t *testing.T) {
	kills := 8
	if n, err := strconv.Atoi(os.Getenv("TUNEGATE_KILLS")); err == nil {
		kills = n
	}
	bare := served(t, "--step-delay", "1ms")
	base := faulty(t, bare, 1)
	proxy := wiretest.Proxy(t)
	const victims = 4 // side by side: most of a run is waiting
	began := time.Now()
	all := make([]*victim, victims)
	var wg sync.WaitGroup
	for i := range all {
		all[i] = &victim{t: t, rng: rand.New(rand.NewPCG(2, uint64(i))), proxy: proxy, base: base, dir: t.TempDir(), first: 1000 * i, usual: 400 * time.Millisecond}
		wg.Go(func() { all[i].die((kills + i) / victims) })
	}
	wg.Wait()
	killed, runs, tunes := 0, 0, 0
	for _, v := range all {
		killed, runs, tunes = killed+v.killed, runs+v.runs, tunes+v.tunes
		if v.err != nil {
			t.Error(v.err)
		}
	}
	t.Logf("%d kills in %d runs of %d fine-tunes, %.1fs", killed, runs, tunes, time.Since(began).Seconds())
	jobs := jobsAt(t, bare)
	if killed != kills || len(jobs) != tunes {
		t.Errorf("%d kills, want %d; %d fine-tunes at the server, want %d", killed, kills, len(jobs), tunes)
	}
	for key, n := range jobs {
		if n != 1 {
			t.Errorf("%d jobs of the fine-tune %.12s", n, key)
		}
	}
}

// victim is a machine on which the program is killed.
type victim struct {
	t                   *testing.T
	rng                 *rand.Rand
	proxy, base, dir    string
	first               int           // seed of its first fine-tune
	usual               time.Duration // of a run
	killed, runs, tunes int
	err                 error
}

// die runs one fine-tune after the other until the program was killed often enough; the last one comes to its end.
func (v *victim) die(kills int) {
	for done := false; v.err == nil && !(done && v.killed == kills); v.tunes++ {
		manifest := small(v.t, v.dir, v.base, v.first+v.tunes)
		for deaths := 0; ; {
			v.runs++
			c := processBehind(v.proxy, v.dir, "run", manifest, "--quiet", "--state", filepath.Join(v.dir, fmt.Sprint("state", v.tunes)))
			var said bytes.Buffer
			c.Stdout, c.Stderr = &said, &said
			started := time.Now()
			if v.err = c.Start(); v.err != nil {
				return
			}
			at := time.Hour
			if v.killed < kills {
				// The more often it was killed the more time it gets: what settles a create takes longer than all the rest.
				at = time.Duration(v.rng.Int64N(int64(v.usual) * int64(3+deaths) / 3))
			}
			kill := time.AfterFunc(at, func() { _ = c.Process.Kill() })
			err := c.Wait()
			kill.Stop()
			if c.ProcessState.ExitCode() == -1 {
				v.killed++
				deaths++
				continue
			}
			if err == nil {
				v.usual = min((3*v.usual+time.Since(started))/4, time.Second)
				done = true
				break
			}
			// A create may fail for good, with no job: the service has said 503, and the list shows none.
			if c.ProcessState.ExitCode() != exitError || v.runs > 20*(kills+1) {
				v.err = fmt.Errorf("the run ended with %w\n%s", err, said.String())
				return
			}
		}
	}
}
