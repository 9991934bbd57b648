package pipeline

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"hash"
	"io"
	"path/filepath"
	"sync"
	"time"

	"github.com/tunegate/tunegate/internal/bench"
	"github.com/tunegate/tunegate/internal/dataset"
	"github.com/tunegate/tunegate/internal/gate"
	"github.com/tunegate/tunegate/internal/journal"
	"github.com/tunegate/tunegate/internal/report"
	"github.com/tunegate/tunegate/internal/train"
)

// tune takes an inspected leg through its phases to a verdict. Before it commits money to a phase it waits for its turn.
func (r *run) tune(ctx context.Context, l *leg, turn turn) {
	book, err := journal.Open(filepath.Join(r.State, "legs", l.out.ID+".journal"))
	if err != nil {
		r.end(l, gate.Error, err.Error())
		return
	}
	defer book.Close()
	// The journal's lock is on the answers too.
	if l.answers, err = bench.OpenCache(filepath.Join(r.State, "answers", l.out.ID+".jsonl")); err != nil {
		r.end(l, gate.Error, err.Error())
		return
	}
	defer func() {
		if err := l.answers.Close(); err != nil {
			l.out.Reasons = append(l.out.Reasons, err.Error())
		}
	}()
	r.askEnding(ctx, l)
	for i, p := range l.phases {
		turn.wait(ctx, i)
		l.out.Phases = append(l.out.Phases, report.Phase{Name: p.name, Examples: p.examples, TrainingTokens: p.tokens})
		out := l.out.Last()
		state, err := r.train(ctx, l, p, out, book, func() { turn.pass(i) })
		if at := r.standing(ctx, l, state, err); at.verdict != "" {
			l.out.Next = at.todo
			r.end(l, at.verdict, at.reason)
			return
		}
		if err := r.reserve(l, p.benchmarkUSD); err != nil {
			r.end(l, gate.Inconclusive, fmt.Sprintf("trained, but not benchmarked: %v", err))
			return
		}
		takeDown, err := r.deploy(ctx, l, p, out)
		at := r.places.byName[l.agent.Provider]
		tuned := &fresh{Completer: at.pace.Over(at.client), until: time.Now().Add(readyTime)}
		if err == nil {
			err = r.benchmark(ctx, l, p, out, tuned)
			takeDown()
		}
		if ctx.Err() != nil {
			r.end(l, gate.Pending, fmt.Sprintf("interrupted in the benchmark of the %s phase; its model %s is kept", p.name, cmp.Or(out.Model, "of job "+out.Job)))
			return
		}
		if why := tuned.notServed(out.Model); why != "" {
			r.end(l, gate.Pending, why)
			return
		}
		if err != nil {
			r.fail(l, err)
			return
		}
		r.tell(Event{Leg: l.out.ID, Stage: Benchmarking, Phase: p.name, Text: fmt.Sprintf("%s: %s", p.name, out.Decision.Reasons[0])})
		if out.Decision.Verdict != gate.Pass {
			break
		}
	}
	last := l.out.Last()
	if last.Decision.Verdict != gate.Pass {
		r.advise(ctx, l)
	}
	if done := len(l.out.Phases); done < len(l.phases) {
		l.out.Reasons = append(l.out.Reasons, l.spared(done)...)
	}
	r.end(l, last.Decision.Verdict, last.Decision.Reasons...)
}

// errNoPlace is wrapped when the provider has as many jobs of this manifest as max_parallel allows.
var errNoPlace = errors.New("no place")

// train brings one fine-tune to its end, or as far as the waiting time allows, and enters it in the report. passOn lets
// the next leg commit its money; it may be called more than once.
func (r *run) train(ctx context.Context, l *leg, p phase, out *report.Phase, book *journal.Journal, passOn func()) (train.State, error) {
	launch := l.launch(p, r.places.byName[l.agent.Provider])
	launch.Until, launch.Attempts, launch.Again = r.until, r.Attempts, r.again
	launch.Training, launch.Validation = r.showUpload(l, p, launch.Training), r.showUpload(l, p, launch.Validation)
	out.Key = string(launch.Spec.Key())
	launch.Record = func(e train.Event) error { return book.Append(e) }
	at := &place{of: r.slots[l.agent.Provider]}
	ours := false // whether money was set aside in this run
	launch.Reserve = func(train.Spec) error {
		defer passOn()
		if err := r.inTime(); err != nil {
			return err
		}
		if err := r.reachable(l); err != nil {
			return err
		}
		ours = true
		if err := r.reserve(l, p.trainingUSD+p.benchmarkUSD); err != nil {
			return err
		}
		if !at.take() {
			return fmt.Errorf("%w: %s runs %s at a time, by max_parallel", errNoPlace, l.out.Provider, count(cap(at.of), "job"))
		}
		r.tell(Event{Leg: l.out.ID, Stage: Training, Phase: p.name, Text: fmt.Sprintf("%s: launching on %s", p.name, count(p.examples, "example"))})
		return nil
	}
	launch.Waiting = func(why error, again time.Duration) {
		r.tell(Event{Leg: l.out.ID, Stage: Training, Phase: p.name, Text: p.name + ": " + r.waiting(l, why, again)})
	}
	var alone func()
	var status train.Status
	remarked := false
	launch.Notify = func(j train.Job, metrics []train.Metric) {
		if status == "" && !ours {
			// Another run paid, but the budget is for the manifest's fine-tunes: the same ones are launched in every run.
			r.ledger.Reuse(l.billed(p, j))
		}
		if !j.Status.Final() {
			at.take()
		}
		alone()
		passOn()
		if j.Status != status {
			status = j.Status
			r.tell(Event{Leg: l.out.ID, Stage: Training, Phase: p.name, Text: fmt.Sprintf("%s: job %s is %s", p.name, j.ID, status), Status: status, Finish: j.EstimatedFinish})
		}
		if remark := stuck(j); remark != "" && !remarked {
			remarked = true
			r.tell(Event{Leg: l.out.ID, Stage: Training, Phase: p.name, Text: fmt.Sprintf("%s: job %s: %s", p.name, j.ID, remark)})
		}
		for _, m := range metrics {
			loss := m.TrainLoss
			out.FinalLoss = &loss
			r.tell(Event{Leg: l.out.ID, Stage: Training, Phase: p.name, Step: m.Step, Steps: m.TotalSteps, Loss: loss, Finish: j.EstimatedFinish})
		}
	}
	began := time.Now()
	var state train.State
	var err error
	for {
		if launch.Past, err = past(book, l.out.ID); err != nil {
			return state, err
		}
		alone = r.alone(out.Key)
		state, err = train.Advance(ctx, launch)
		alone()
		if !errors.Is(err, errNoPlace) || at.wait(ctx, r.until) != nil {
			break
		}
		// And look again: another run may have launched it meanwhile.
	}
	if !state.Pending() && !state.Unsettled {
		at.leave() // a job that goes on keeps its place: the next leg must not be launched beside it
	}
	j := state.Job
	out.Job, out.Status, out.Attempt, out.Model, out.TrainedTokens, out.ErrorCode = j.ID, string(j.Status), j.Attempt, j.Model, j.TrainedTokens, j.Code
	out.Launched, out.Extra, out.TrainSeconds = state.Launched, state.Extra, time.Since(began).Seconds()
	if errors.Is(err, train.ErrNotFound) {
		out.Status = "lost"
	}
	// A job that this run did not create was paid for by the run that did.
	switch {
	case state.Launched > 0:
		out.CostUSD = l.billed(p, j)
	case ours && j.ID != "":
		r.ledger.Reuse(l.billed(p, j)) // another run was quicker
	}
	r.settle(l, p.trainingUSD, out.CostUSD)
	return state, err
}

// past is what the journal says, of all fine-tunes of the leg.
func past(book *journal.Journal, id string) (events []train.Event, err error) {
	for _, raw := range book.Records() {
		var e train.Event
		if err := json.Unmarshal(raw, &e); err != nil {
			return nil, fmt.Errorf("reading the journal of %s: %w", id, err)
		}
		events = append(events, e)
	}
	return events, nil
}

// place is a leg's among those that a provider has. Without a limit there is always one.
type place struct {
	of   chan struct{}
	held bool
}

func (p *place) take() bool {
	if p.of == nil || p.held {
		return true
	}
	select {
	case p.of <- struct{}{}:
		p.held = true
	default:
	}
	return p.held
}

// wait takes a place as soon as there is one, before until; the zero time waits for as long as it takes.
func (p *place) wait(ctx context.Context, until time.Time) error {
	var over <-chan time.Time
	if !until.IsZero() {
		t := time.NewTimer(time.Until(until))
		defer t.Stop()
		over = t.C
	}
	select {
	case p.of <- struct{}{}:
		p.held = true
		return nil
	case <-over:
		return errNoPlace
	case <-ctx.Done():
		return ctx.Err()
	}
}

func (p *place) leave() {
	if p.held {
		<-p.of
		p.held = false
	}
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
	out := train.Launch{Provider: at.client, Settle: at.settle, Reach: at.reach, Spec: train.Spec{
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
