package openaiapi_test

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/tunegate/tunegate/internal/bench"
	"github.com/tunegate/tunegate/internal/localtune/wiretest"
	"github.com/tunegate/tunegate/internal/openaiapi"
	"github.com/tunegate/tunegate/internal/train"
	"github.com/tunegate/tunegate/internal/train/traintest"
)

// independent is a client of a server that shares no line with this project, which .ci/aimock starts, and its address.
func independent(t *testing.T) (*openaiapi.Client, string) {
	t.Helper()
	at := os.Getenv("TUNEGATE_AIMOCK")
	if at == "" {
		t.Skip("no independent server: TUNEGATE_AIMOCK is not set; .ci/aimock sets it")
	}
	return mock(t, at, wiretest.CheckSent(t, http.DefaultTransport)), at
}

func mock(t *testing.T, at string, transport http.RoundTripper) *openaiapi.Client {
	c, err := openaiapi.New(openaiapi.Config{BaseURL: at + "/v1", Key: "sk-test", Agent: "tunegate/test", Transport: transport})
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// numbered is a fine-tune of its own.
func numbered(n int64) train.Spec {
	return train.Spec{Endpoint: "aimock", Model: "gpt-4o-mini-2024-07-18", Method: "supervised", Epochs: 3, Seed: n, Agent: "desk", Attempt: 1}
}

// A fine-tune from its file to its answers.
func TestIndependentServer(t *testing.T) {
	c, at := independent(t)
	ctx := t.Context()
	f := traintest.Examples(fmt.Sprintf("aimock-%d.jsonl", time.Now().UnixNano()), 24)
	file, err := c.Upload(ctx, f)
	if err != nil {
		t.Fatal(err)
	}
	if again, err := c.Upload(ctx, f); err != nil || again != file {
		t.Errorf("uploaded again as %q, %v; want %q", again, err, file)
	}
	c.Split(1000, 1000) // it has no uploads of parts: a large file goes in one all the same
	if large, err := c.Upload(ctx, traintest.Examples("large-"+f.Name, 25)); err != nil || large == "" || large == file {
		t.Errorf("a large file is %q, %v", large, err)
	}
	spec := numbered(time.Now().Unix())
	id, err := c.Start(ctx, spec, file, "")
	if err != nil {
		t.Fatal(err)
	}
	other, err := c.Start(ctx, numbered(spec.Seed+1), file, file)
	if err != nil {
		t.Fatal(err)
	}
	// It ignores the filter of the list: what it sends is checked again.
	if found, err := c.Find(ctx, spec.Key()); err != nil || len(found) != 1 || found[0].ID != id || found[0].Attempt != 1 {
		t.Errorf("found %+v, %v; want %s", found, err, id)
	}
	if err := c.Cancel(ctx, other); err != nil {
		t.Error(err)
	}
	if j, err := c.Poll(ctx, other); err != nil || j.Status != train.Cancelled {
		t.Errorf("the cancelled job is %+v, %v", j, err)
	}
	var states []train.Status
	var j train.Job
	for range 20 { // it takes a step each time it is asked
		if j, err = c.Poll(ctx, id); err != nil {
			t.Fatal(err)
		}
		if states = append(states, j.Status); j.Status.Final() {
			break
		}
	}
	if j.Status != train.Succeeded || j.Key != spec.Key() || !strings.Contains(j.Model, spec.Label()) || j.FinishedAt.IsZero() {
		t.Errorf("after %v the job is %+v", states, j)
	}
	if _, err := c.Metrics(ctx, id, 0); err != nil { // its events tell of no steps
		t.Error(err)
	}
	if err := c.Cancel(ctx, id); err != nil {
		t.Errorf("cancelling what has ended: %v", err)
	}
	if _, err := c.Poll(ctx, "ftjob-not-there"); !errors.Is(err, train.ErrNotFound) {
		t.Errorf("an unknown job gives %v", err)
	}
	bad := numbered(spec.Seed + 2)
	bad.Epochs = 51 // against the contract, on purpose
	if _, err := mock(t, at, http.DefaultTransport).Start(ctx, bad, file, ""); !errors.Is(err, train.ErrRefused) || !strings.Contains(err.Error(), "n_epochs") {
		t.Errorf("51 epochs give %v", err)
	}
	for model, want := range map[string]string{"gpt-4o-mini-2024-07-18": "no idea", j.Model: "hardware"} {
		if got, err := c.Complete(ctx, ask(model)); err != nil || got.Answer != want || got.InputTokens == 0 {
			t.Errorf("%s says %+v, %v; want %s", model, got, err, want)
		}
	}
	if v, err := c.Embed(ctx, "text-embedding-3-small", []string{"a", "b"}); err != nil || len(v) != 2 || len(v[0]) == 0 {
		t.Errorf("%d vectors, %v", len(v), err)
	}
}

// The same under trouble: what may be asked again is answered in the end, and no fine-tune is made twice.
func TestIndependentServerInTrouble(t *testing.T) {
	calm, at := independent(t)
	f := traintest.Examples(fmt.Sprintf("trouble-%d.jsonl", time.Now().UnixNano()), 24)
	file, err := calm.Upload(t.Context(), f)
	if err != nil {
		t.Fatal(err)
	}
	set := func(method, body string) {
		q, err := http.NewRequestWithContext(t.Context(), method, at+"/__aimock/chaos", bytes.NewReader([]byte(body)))
		if err != nil {
			t.Fatal(err)
		}
		reply, err := http.DefaultClient.Do(q)
		if err != nil {
			t.Fatal(err)
		}
		defer reply.Body.Close()
		if said, _ := io.ReadAll(reply.Body); reply.StatusCode != http.StatusOK {
			t.Fatalf("%s %s: %s", method, body, said)
		}
	}
	const each = 12
	seed := time.Now().Unix() + 1000 // none of those of the test above
	for i, trouble := range []string{"dropRate", "malformedRate", "disconnectRate", "rateLimitRate"} {
		t.Run(trouble, func(t *testing.T) {
			set(http.MethodPost, fmt.Sprintf(`{%q: 0.25}`, trouble))
			var wg sync.WaitGroup
			var pace bench.Pace
			answers := make([]error, each)
			starts := make([]error, each)
			for n := range each {
				wg.Go(func() {
					_, answers[n] = pace.Over(calm).Complete(t.Context(), ask("gpt-4o-mini-2024-07-18"))
					_, starts[n] = calm.Start(t.Context(), numbered(seed+int64(100*i+n)), file, "")
				})
			}
			wg.Wait()
			set(http.MethodDelete, "")
			unsure := 0
			for n := range each {
				if answers[n] != nil {
					t.Errorf("no answer: %v", answers[n])
				}
				jobs, err := calm.Find(t.Context(), numbered(seed+int64(100*i+n)).Key())
				switch {
				case err != nil || len(jobs) > 1:
					t.Errorf("%d jobs of one fine-tune, %v", len(jobs), err)
				case starts[n] == nil && len(jobs) != 1:
					t.Errorf("a job that was made is not there")
				case errors.Is(starts[n], train.ErrRefused) && len(jobs) > 0:
					t.Errorf("a job that was refused is there: %v", starts[n])
				case starts[n] != nil:
					unsure++
				}
			}
			t.Logf("%d of %d creates did not succeed", unsure, each)
		})
	}
}
