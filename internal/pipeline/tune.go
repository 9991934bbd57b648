package pipeline

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"hash"
	"io"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"github.com/tunegate/tunegate/internal/cost"
	"github.com/tunegate/tunegate/internal/dataset"
	"github.com/tunegate/tunegate/internal/gate"
	"github.com/tunegate/tunegate/internal/journal"
	"github.com/tunegate/tunegate/internal/manifest"
	"github.com/tunegate/tunegate/internal/report"
	"github.com/tunegate/tunegate/internal/train"
)

// tune takes an inspected leg through its phases to a verdict. passOn lets the next leg launch; it may be called
// more than once.
func (r *run) tune(ctx context.Context, l *leg, passOn func()) {
	book, err := journal.Open(filepath.Join(r.State, "legs", l.out.ID+".journal"))
	if err != nil {
		r.end(l, gate.Error, err.Error())
		return
	}
	defer book.Close()
	for _, p := range l.phases {
		l.out.Phases = append(l.out.Phases, report.Phase{Name: p.name, Examples: p.examples, TrainingTokens: p.tokens})
		out := l.out.Last()
		state, err := r.train(ctx, l, p, out, book, passOn)
		switch {
		case ctx.Err() != nil && !state.Pending():
			r.end(l, gate.Pending, interrupted(state))
			return
		case state.Pending():
			r.end(l, gate.Pending, r.goesOn(ctx, l, state.Job, err))
			return
		case errors.Is(err, cost.ErrOverBudget):
			r.end(l, gate.Inconclusive, fmt.Sprintf("not launched: %v", err))
			return
		case err != nil:
			r.end(l, gate.Error, err.Error())
			return
		case state.Job.Status != train.Succeeded:
			r.end(l, gate.Error, fmt.Sprintf("job %s has %s: %s", state.Job.ID, state.Job.Status, reason(state.Job)))
			return
		}
		if err := r.reserve(l, p.benchmarkUSD); err != nil {
			r.end(l, gate.Inconclusive, fmt.Sprintf("trained, but not benchmarked: %v", err))
			return
		}
		err = r.benchmark(ctx, l, p, out)
		if ctx.Err() != nil {
			r.end(l, gate.Pending, fmt.Sprintf("interrupted in the benchmark of the %s phase; its model %s is kept", p.name, out.Model))
			return
		}
		if err != nil {
			r.end(l, gate.Error, err.Error())
			return
		}
		r.tell(Event{Leg: l.out.ID, Stage: Benchmarking, Phase: p.name, Text: fmt.Sprintf("%s: %s", p.name, out.Decision.Reasons[0])})
		if out.Decision.Verdict != gate.Pass {
			break
		}
	}
	last := l.out.Last()
	if done := len(l.out.Phases); done < len(l.phases) {
		l.out.Reasons = append(l.out.Reasons, l.spared(done)...)
	}
	r.end(l, last.Decision.Verdict, last.Decision.Reasons...)
}

// spared says what was not spent on a leg that ended after so many phases, and that this is what the profile is for.
func (l *leg) spared(done int) []string {
	var names []string
	usd, hours := 0.0, 0.0
	for _, p := range l.phases[done:] {
		names = append(names, p.name)
		usd += p.trainingUSD + p.benchmarkUSD
		hours += p.hours
	}
	text := fmt.Sprintf("stopped after the %s phase, %d of %d: %s not launched", l.phases[done-1].name, done, len(l.phases), strings.Join(names, " and "))
	if usd > 0 {
		text += fmt.Sprintf(", which saves up to $%.2f and about %.2f hours", usd, hours)
	}
	return []string{text, "more examples might have passed where these did not; the profile speed goes straight to all of them"}
}

// goesOn says what becomes of a job that is not done when the run ends.
func (r *run) goesOn(ctx context.Context, l *leg, j train.Job, err error) string {
	where := "goes on at " + l.out.Provider
	if r.m.Providers[l.agent.Provider].Kind == manifest.KindLocal {
		where = "stops with this process and is taken up by the next run"
	}
	why := "not done in time"
	switch {
	case ctx.Err() != nil:
		why = "interrupted"
	case err != nil:
		why = err.Error()
	}
	return fmt.Sprintf("%s: job %s is %s and %s", why, j.ID, j.Status, where)
}

// interrupted says where a leg stands that was interrupted with no job on its way.
func interrupted(s train.State) string {
	switch {
	case s.Unsettled:
		return "interrupted while a job was being created; the next run finds out whether there is one"
	case s.Job.ID != "":
		return fmt.Sprintf("interrupted; job %s has %s", s.Job.ID, s.Job.Status)
	}
	return "interrupted before a job was launched"
}

func reason(j train.Job) string {
	if j.Error == "" {
		return "the service gave no reason"
	}
	return j.Error
}

// train brings one fine-tune to its end, or as far as the waiting time allows, and enters it in the report.
func (r *run) train(ctx context.Context, l *leg, p phase, out *report.Phase, book *journal.Journal, passOn func()) (train.State, error) {
	place := r.places.byName[l.agent.Provider]
	launch := l.launch(p, place)
	launch.Until, launch.Attempts = r.until, r.Attempts
	out.Key = string(launch.Spec.Key())
	for _, raw := range book.Records() {
		var e train.Event
		if err := json.Unmarshal(raw, &e); err != nil {
			return train.State{}, fmt.Errorf("reading the journal of %s: %w", l.out.ID, err)
		}
		launch.Past = append(launch.Past, e)
	}
	launch.Record = func(e train.Event) error { return book.Append(e) }
	ours := false // whether this run creates the job
	launch.Reserve = func(train.Spec) error {
		defer passOn()
		ours = true
		if err := r.reserve(l, p.trainingUSD+p.benchmarkUSD); err != nil {
			return err
		}
		r.tell(Event{Leg: l.out.ID, Stage: Training, Phase: p.name, Text: fmt.Sprintf("%s: launching on %s", p.name, count(p.examples, "example"))})
		return nil
	}
	if slot := r.slots[l.agent.Provider]; slot != nil {
		select {
		case slot <- struct{}{}:
		default:
			passOn() // legs of other providers need not wait for this one's place
			select {
			case slot <- struct{}{}:
			case <-ctx.Done():
				return train.State{}, ctx.Err()
			}
		}
		defer func() { <-slot }()
	}
	alone := r.alone(out.Key)
	defer alone()
	status := train.Status("")
	launch.Notify = func(j train.Job, metrics []train.Metric) {
		if status == "" && !ours {
			// Another run paid, but the budget is for the manifest's fine-tunes: the same ones are launched in every run.
			r.ledger.Settle(0, l.billed(p, j))
		}
		alone()
		passOn()
		if j.Status != status {
			status = j.Status
			r.tell(Event{Leg: l.out.ID, Stage: Training, Phase: p.name, Text: fmt.Sprintf("%s: job %s is %s", p.name, j.ID, status), Status: status, Finish: j.EstimatedFinish})
		}
		for _, m := range metrics {
			loss := m.TrainLoss
			out.FinalLoss = &loss
			r.tell(Event{Leg: l.out.ID, Stage: Training, Phase: p.name, Step: m.Step, Steps: m.TotalSteps, Loss: loss, Finish: j.EstimatedFinish})
		}
	}
	began := time.Now()
	state, err := train.Advance(ctx, launch)
	j := state.Job
	out.Job, out.Status, out.Attempt, out.Model, out.TrainedTokens = j.ID, string(j.Status), j.Attempt, j.Model, j.TrainedTokens
	out.Launched, out.Extra, out.TrainSeconds = state.Launched, state.Extra, time.Since(began).Seconds()
	// A job that this run did not create was paid for by the run that did.
	if state.Launched > 0 {
		out.CostUSD = l.billed(p, j)
	}
	r.settle(l, p.trainingUSD, out.CostUSD)
	return state, err
}

// reserve sets money aside for a leg. What is held from before counts towards it.
func (r *run) reserve(l *leg, usd float64) error {
	more := max(usd-l.held, 0)
	if err := r.ledger.Reserve(more); err != nil {
		return err
	}
	l.held += more
	return nil
}

// settle books what a part of a leg cost and gives back what was held for it.
func (r *run) settle(l *leg, reserved, spent float64) {
	reserved = min(reserved, l.held)
	l.held -= reserved
	r.ledger.Settle(reserved, spent)
}

// billed is what a phase's job costs: by its tokens once they are known, else as estimated.
func (l *leg) billed(p phase, j train.Job) float64 {
	if j.Status == train.Succeeded && j.TrainedTokens > 0 {
		return cost.Training(*l.price, j.TrainedTokens)
	}
	return p.trainingUSD
}

// alone lets one leg at a time look for and create the jobs of a run key: two legs with equal data are one fine-tune.
// The function that it returns lets the next one in; it may be called more than once.
func (r *run) alone(key string) (release func()) {
	lock, _ := r.creating.LoadOrStore(key, &sync.Mutex{})
	lock.(*sync.Mutex).Lock()
	return sync.OnceFunc(lock.(*sync.Mutex).Unlock)
}

// launch describes the fine-tune of a phase at a place: the run key's parts and the files. The key in the files' names
// leads back from a job to its fine-tune where a service keeps no metadata.
func (l *leg) launch(p phase, at endpoint) train.Launch {
	out := train.Launch{Provider: at.client, Settle: at.settle, Spec: train.Spec{
		Endpoint: at.identity, Model: l.agent.BaseModel, Method: "supervised", Agent: l.agent.Name,
		Epochs: p.epochs, BatchSize: l.agent.BatchSize, LearningRate: l.agent.LearningRateMultiplier, Seed: int64(l.agent.Seed),
		Training: p.training.SHA256, Validation: l.validation.SHA256,
	}}
	key := out.Spec.Key()
	out.Training = upload(l.train, p.first(), p.training)
	out.Training.Name = fmt.Sprintf("tunegate-%.24s-train.jsonl", key)
	if l.valid != nil {
		out.Validation = upload(l.valid, 0, l.validation)
		out.Validation.Name = fmt.Sprintf("tunegate-%.24s-valid.jsonl", key)
	}
	return out
}

// upload makes a file of the normal form of the first examples, of all when it is 0.
func upload(f *dataset.File, examples int, d dataset.Digest) train.File {
	return train.File{Digest: d.SHA256, Size: d.Bytes, Open: func() (io.ReadCloser, error) {
		r := f.Normal(examples)
		return &verified{ReadCloser: r, name: f.Name(), want: d, hash: sha256.New()}, nil
	}}
}

// verified hands out the last bytes only when all of them have the digest that the run key was made of: a file that
// was changed since it was audited is not trained on.
type verified struct {
	io.ReadCloser
	name string
	want dataset.Digest
	hash hash.Hash
	n    int64
}

func (v *verified) Read(p []byte) (int, error) {
	n, err := v.ReadCloser.Read(p)
	v.hash.Write(p[:n])
	v.n += int64(n)
	if over := v.n > v.want.Bytes; over || (v.n == v.want.Bytes || err == io.EOF) && hex.EncodeToString(v.hash.Sum(nil)) != v.want.SHA256 {
		return 0, fmt.Errorf("%s was changed while this run was reading it", v.name)
	}
	return n, err
}
