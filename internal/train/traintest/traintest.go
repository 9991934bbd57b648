// Package traintest is what every train.Provider must do, as tests. It is for tests alone.
package traintest

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"
	"time"

	"github.com/tunegate/tunegate/internal/train"
)

// Suite says how a provider is tested.
type Suite struct {
	Provider train.Provider
	Model    string
	// Hold, if not nil, keeps new jobs from ending until the function that it returns is called.
	Hold func() (release func())
}

// Run runs the suite. Jobs are told apart by their seeds.
func (s Suite) Run(t *testing.T) {
	t.Run("upload", s.upload)
	t.Run("life", s.life)
	t.Run("find", s.find)
	t.Run("cancel", s.cancel)
	t.Run("refusal", s.refusal)
	t.Run("unknown", s.unknown)
}

// Examples returns a small training file as chat JSONL.
func Examples(name string, n int) train.File {
	var b strings.Builder
	for i := range n {
		word, label := []string{"printer", "laptop", "invoice", "refund"}[i%4], []string{"it", "it", "billing", "billing"}[i%4]
		fmt.Fprintf(&b, `{"messages":[{"role":"system","content":"Answer with one of: it, billing."},{"role":"user","content":"case %d, about my %s"},{"role":"assistant","content":%q}]}`+"\n", i, word, label)
	}
	text := b.String()
	sum := sha256.Sum256([]byte(text))
	return train.File{Name: name, Digest: hex.EncodeToString(sum[:]), Size: int64(len(text)),
		Open: func() (io.ReadCloser, error) { return io.NopCloser(strings.NewReader(text)), nil }}
}

func (s Suite) spec(seed int64, f train.File) train.Spec {
	return train.Spec{Endpoint: "test", Model: s.Model, Method: "supervised", Epochs: 2, Seed: seed, Training: f.Digest, Agent: "conformance", Attempt: 1}
}

func (s Suite) start(t *testing.T, seed int64) (train.Spec, string) {
	t.Helper()
	f := Examples(fmt.Sprintf("conformance-%d.jsonl", seed), 24)
	file, err := s.Provider.Upload(t.Context(), f)
	if err != nil {
		t.Fatal(err)
	}
	spec := s.spec(seed, f)
	id, err := s.Provider.Start(t.Context(), spec, file, "")
	if err != nil {
		t.Fatal(err)
	}
	return spec, id
}

// await polls until the job is final.
func (s Suite) await(t *testing.T, id string) train.Job {
	t.Helper()
	for deadline := time.Now().Add(30 * time.Second); ; {
		j, err := s.Provider.Poll(t.Context(), id)
		if err != nil {
			t.Fatal(err)
		}
		if j.Status.Final() {
			return j
		}
		if time.Now().After(deadline) {
			t.Fatalf("job %s is still %s", id, j.Status)
		}
		select {
		case <-time.After(5 * time.Millisecond):
		case <-t.Context().Done():
		}
	}
}

func (s Suite) upload(t *testing.T) {
	f := Examples("same.jsonl", 12)
	first, err := s.Provider.Upload(t.Context(), f)
	if err != nil {
		t.Fatal(err)
	}
	opened := false
	again := f
	again.Open = func() (io.ReadCloser, error) { opened = true; return f.Open() }
	second, err := s.Provider.Upload(t.Context(), again)
	if err != nil || second != first || opened {
		t.Errorf("the second upload of a file gives %q, %v, sent %t; want %q, not sent", second, err, opened, first)
	}
	other, err := s.Provider.Upload(t.Context(), Examples("same.jsonl", 13))
	if err != nil || other == first {
		t.Errorf("a longer file of the same name gives %q, %v", other, err)
	}
	broken := Examples("broken.jsonl", 12)
	broken.Open = func() (io.ReadCloser, error) { return nil, errors.New("disk on fire") }
	if _, err := s.Provider.Upload(t.Context(), broken); err == nil || !strings.Contains(err.Error(), "disk on fire") {
		t.Errorf("a file that cannot be read gives %v", err)
	}
}

func (s Suite) life(t *testing.T) {
	_, id := s.start(t, 101)
	j := s.await(t, id)
	if j.Status != train.Succeeded || j.Model == "" || j.TrainedTokens <= 0 || j.FinishedAt.Before(j.CreatedAt) || j.CreatedAt.IsZero() {
		t.Errorf("the finished job is %+v", j)
	}
	w, ok := s.Provider.(train.Watcher)
	if !ok {
		return
	}
	all, err := w.Metrics(t.Context(), id, 0)
	if err != nil || len(all) == 0 {
		t.Fatalf("metrics: %v, %v", all, err)
	}
	for i := 1; i < len(all); i++ {
		if all[i].Step <= all[i-1].Step {
			t.Errorf("steps %d, %d are not in order", all[i-1].Step, all[i].Step)
		}
	}
	if rest, err := w.Metrics(t.Context(), id, all[0].Step); err != nil || len(rest) != len(all)-1 {
		t.Errorf("after the first of %d steps there are %d, %v", len(all), len(rest), err)
	}
}

func (s Suite) find(t *testing.T) {
	spec, id := s.start(t, 102)
	s.start(t, 103)
	jobs, err := s.Provider.Find(t.Context(), spec.Key())
	if err != nil || len(jobs) != 1 || jobs[0].ID != id || jobs[0].Key != spec.Key() || jobs[0].Attempt != 1 {
		t.Errorf("found %+v, %v; want the one job %s", jobs, err, id)
	}
	second := spec
	second.Attempt = 2
	f := Examples("conformance-102.jsonl", 24)
	file, err := s.Provider.Upload(t.Context(), f)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := s.Provider.Start(t.Context(), second, file, ""); err != nil {
		t.Fatal(err)
	}
	jobs, err = s.Provider.Find(t.Context(), spec.Key())
	if err != nil || len(jobs) != 2 || jobs[0].Attempt+jobs[1].Attempt != 3 {
		t.Errorf("found %+v, %v; want two attempts", jobs, err)
	}
	if jobs, err := s.Provider.Find(t.Context(), "no such key"); err != nil || len(jobs) != 0 {
		t.Errorf("found %+v, %v for a key that no job bears", jobs, err)
	}
}

func (s Suite) cancel(t *testing.T) {
	if s.Hold == nil {
		t.Skip("the provider's jobs cannot be held")
	}
	release := s.Hold()
	_, id := s.start(t, 104)
	if err := s.Provider.Cancel(t.Context(), id); err != nil {
		t.Error(err)
	}
	release()
	if j := s.await(t, id); j.Status != train.Cancelled {
		t.Errorf("the cancelled job is %s", j.Status)
	}
	if err := s.Provider.Cancel(t.Context(), id); err != nil {
		t.Errorf("cancelling it again: %v", err)
	}
}

func (s Suite) refusal(t *testing.T) {
	spec := s.spec(105, Examples("never-sent.jsonl", 24))
	if _, err := s.Provider.Start(t.Context(), spec, "file-that-is-not-there", ""); !errors.Is(err, train.ErrRefused) {
		t.Errorf("a job on a missing file gives %v, want a refusal", err)
	}
	if jobs, err := s.Provider.Find(t.Context(), spec.Key()); err != nil || len(jobs) != 0 {
		t.Errorf("the refused job is there: %+v, %v", jobs, err)
	}
}

func (s Suite) unknown(t *testing.T) {
	if _, err := s.Provider.Poll(t.Context(), "ftjob-not-there"); !errors.Is(err, train.ErrNotFound) {
		t.Errorf("polling an unknown job gives %v", err)
	}
	if err := s.Provider.Cancel(t.Context(), "ftjob-not-there"); !errors.Is(err, train.ErrNotFound) {
		t.Errorf("cancelling an unknown job gives %v", err)
	}
}
