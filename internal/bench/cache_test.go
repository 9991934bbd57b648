package bench

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/tunegate/tunegate/internal/suite"
)

func openCache(t testing.TB, path string) *Cache {
	t.Helper()
	c, err := OpenCache(path)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := c.Close(); err != nil && !errors.Is(err, os.ErrClosed) {
			t.Error(err)
		}
	})
	return c
}

// counted answers rightly and counts.
type counted struct {
	mu   sync.Mutex
	sent int
}

func (c *counted) Complete(ctx context.Context, r Request) (Response, error) {
	c.mu.Lock()
	c.sent++
	c.mu.Unlock()
	return right(ctx, r)
}

// A second benchmark asks the tuned model alone; what is known is graded anew, and says that it is not new.
func TestBaseIsAskedOnce(t *testing.T) {
	path := filepath.Join(t.TempDir(), "new", "answers.jsonl")
	for i, want := range []int{40, 20, 20} {
		service := &counted{}
		cache := openCache(t, path)
		p := newPlan(t, 20, service)
		p.Arms[0].Completer, p.Concurrency = cache.Over("https://x", service), 8
		if i == 2 {
			for n := range p.Tests {
				p.Tests[n].Ideal = []string{"another"} // the same question, graded otherwise
			}
		}
		samples, err := Run(t.Context(), p)
		if err != nil || service.sent != want {
			t.Errorf("run %d: %v, %d requests, want %d", i, err, service.sent, want)
		}
		for _, s := range samples {
			old, right := i > 0 && s.Arm == "base", i < 2
			if s.Cached != old || (s.Score == 1) != right || s.Answer != "a"+s.Test[1:] || s.InputTokens != 7 || s.OutputTokens != 2 || s.Error != "" {
				t.Errorf("run %d: %+v", i, s)
			}
		}
		if err := cache.Close(); err != nil {
			t.Error(err)
		}
	}
	if info, err := os.Stat(path); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("%v, %v", info.Mode(), err)
	}
	if body, _ := os.ReadFile(path); strings.Contains(string(body), "q7") {
		t.Error("the file holds questions")
	}
}

// Whatever determines an answer tells it from others.
func TestWhatIsAnotherQuestion(t *testing.T) {
	cache, service := openCache(t, filepath.Join(t.TempDir(), "a")), &counted{}
	first := question(1)
	others := map[string]func(*Request){
		"model":    func(r *Request) { r.Model = "m2" },
		"messages": func(r *Request) { r.Messages = append(r.Messages[:1:1], suite.Message{Role: "user", Content: "q1 "}) },
		"role": func(r *Request) {
			r.Messages = append(r.Messages[:1:1], suite.Message{Role: "assistant", Content: "q1"})
		},
		"tools":       func(r *Request) { r.Tools = "[]" },
		"temperature": func(r *Request) { r.Temperature = 0.5 },
		"repeat":      func(r *Request) { r.Repeat = 1 },
	}
	ask := func(at string, r Request) int {
		before := service.sent
		if _, err := cache.Over(at, service).Complete(t.Context(), r); err != nil {
			t.Fatal(err)
		}
		return service.sent - before
	}
	if ask("here", first) != 1 || ask("here", first) != 0 || ask("there", first) != 1 {
		t.Error("the same question is asked twice, or that of another service is not")
	}
	for name, change := range others {
		r := first
		if change(&r); ask("here", r) != 1 || ask("here", r) != 0 {
			t.Errorf("another %s is taken for the same", name)
		}
	}
}

// What failed is not kept, and asked again.
func TestFailuresAreNotKept(t *testing.T) {
	path := filepath.Join(t.TempDir(), "a")
	cache, broken := openCache(t, path), errors.New("broken")
	sent := 0
	c := cache.Over("s", answers(func(context.Context, Request) (Response, error) {
		sent++
		return Response{}, broken
	}))
	for range 2 {
		if _, err := ask(c, 1); !errors.Is(err, broken) {
			t.Error(err)
		}
	}
	if body, err := os.ReadFile(path); sent != 2 || err != nil || len(body) > 0 {
		t.Errorf("%d requests, %v, kept %q", sent, err, body)
	}
}

// An answer is believed for thirty days.
func TestOldAnswersAreAskedAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		path := filepath.Join(t.TempDir(), "a")
		for i, want := range []int{10, 0, 10, 0} {
			service, cache := &counted{}, openCache(t, path)
			for n := range 10 {
				if _, err := ask(cache.Over("s", service), n); err != nil {
					t.Fatal(err)
				}
			}
			if service.sent != want {
				t.Errorf("visit %d: %d requests, want %d", i, service.sent, want)
			}
			cache.Close()
			if body, _ := os.ReadFile(path); strings.Count(string(body), "\n") != 10 {
				t.Errorf("visit %d: the file holds %d lines", i, strings.Count(string(body), "\n"))
			}
			time.Sleep([]time.Duration{29 * 24 * time.Hour, 2 * 24 * time.Hour, time.Hour, 0}[i])
		}
	})
}

// A process that dies in the middle of a line costs this answer, and no other; so does damage of any kind.
func TestTornAnswers(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "a")
	service := &counted{}
	cache := openCache(t, path)
	for n := range 3 {
		_, _ = ask(cache.Over("s", service), n)
	}
	cache.Close()
	body, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	lines := strings.SplitAfter(string(body), "\n")
	for name, c := range map[string]struct {
		content string
		known   int
	}{
		"whole":       {string(body), 3},
		"empty":       {"", 0},
		"zeros":       {string(body) + strings.Repeat("\x00", 500), 3},
		"garbage":     {lines[0] + "{}\nnull\n[1]\n\n{\"key\":1}\n" + lines[1] + "\xff\xfe\n" + lines[2], 3},
		"no answer":   {lines[0] + strings.Replace(lines[1], `"answer":"a1"`, `"answer":null`, 1) + lines[2], 2},
		"from 2100":   {lines[0] + strings.Replace(lines[1], `"at":"20`, `"at":"21`, 1) + lines[2], 2},
		"a long line": {lines[0] + strings.Repeat("x", cacheLine+5000) + "\n" + lines[1], 2},
	} {
		check(t, name, c.content, c.known)
	}
	for cut := range len(body) { // a line that lacks its end only is whole
		check(t, "torn", string(body[:cut]), strings.Count(string(body[:cut+1]), "\n"))
	}
}

// check opens a file of this content, wants so many answers known, and the others to be kept for the next time.
func check(t *testing.T, name, content string, known int) {
	t.Helper()
	path := filepath.Join(t.TempDir(), "a")
	if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
	for i, want := range []int{3 - known, 0} {
		service, cache := &counted{}, openCache(t, path)
		for n := range 3 {
			if r, err := ask(cache.Over("s", service), n); err != nil || r.Answer != "a"+string(rune('0'+n)) {
				t.Errorf("%s: %v, answer %q", name, err, r.Answer)
			}
		}
		if service.sent != want {
			t.Errorf("%s, visit %d: %d requests, want %d", name, i, service.sent, want)
		}
		cache.Close()
	}
}

// A cache that cannot be written to is said at the end, and no answer is lost by it.
func TestCacheThatCannotBeWritten(t *testing.T) {
	cache, err := OpenCache(filepath.Join(t.TempDir(), "a"))
	if err != nil {
		t.Fatal(err)
	}
	cache.file.Close()
	service := &counted{}
	for range 2 {
		if r, err := ask(cache.Over("s", service), 1); err != nil || r.Answer != "a1" {
			t.Errorf("%v, %q", err, r.Answer)
		}
	}
	if err := cache.Close(); err == nil || !strings.HasPrefix(err.Error(), "keeping answers: ") || service.sent != 1 {
		t.Errorf("%v, %d requests", err, service.sent)
	}
	if _, err := OpenCache(t.TempDir()); err == nil {
		t.Error("a folder is a cache")
	}
}

func FuzzCache(f *testing.F) {
	line, _ := json.Marshal(kept{Key: keyOf("s", question(1)), At: time.Now(), Answer: new(string)})
	for _, s := range []string{"", "{}", string(line), string(line) + "\n", string(line[:40]) + "\n" + string(line), "\x00\n\x00"} {
		f.Add([]byte(s))
	}
	good, _ := json.Marshal(kept{Key: "good", At: time.Now(), Answer: new(string)})
	f.Fuzz(func(t *testing.T, content []byte) {
		c := &Cache{answers: map[string]kept{}}
		lines, err := c.read(bytes.NewReader(slices.Concat(content, []byte("\n"), good)))
		if err != nil || lines == 0 || len(c.answers) > lines {
			t.Fatalf("%v, %d answers on %d lines", err, len(c.answers), lines)
		}
		if _, ok := c.find("good"); !ok {
			t.Error("damage before a line took it along")
		}
		for _, k := range c.answers {
			if k.Answer == nil || time.Since(k.At) >= cacheAge {
				t.Errorf("%+v is used", k)
			}
		}
	})
}

// What keeping an answer costs: it must be little beside the model's.
func BenchmarkKeep(b *testing.B) {
	cache := openCache(b, filepath.Join(b.TempDir(), "a"))
	c, n := cache.Over("s", &counted{}), 0
	for b.Loop() {
		n++
		if _, err := ask(c, n); err != nil {
			b.Fatal(err)
		}
	}
}
