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
	"slices"
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
		l.enter(inWait, "")
		turn.wait(ctx, i)
		l.enter(inLaunch, p.name)
		l.out.Phases = append(l.out.Phases, report.Phase{Name: p.name, Examples: p.examples, TrainingTokens: p.tokens})
		out := l.out.Last()
		state, err := r.train(ctx, l, p, out, book, func() { turn.pass(i) })
		if at := r.standing(ctx, l, state, err); at.verdict != "" {
			l.out.Next = at.todo
			r.end(l, at.verdict, at.reason)
			return
		}
		if err := r.reserve(l, p.benchmarkUSD+p.guardsUSD); err != nil {
			r.end(l, gate.Inconclusive, fmt.Sprintf("trained, but not benchmarked: %v", err))
			return
		}
		l.enter(inDeploy, p.name)
		takeDown, err := r.deploy(ctx, l, p, out)
		at := r.places.byName[l.agent.Provider]
		tuned := &fresh{Completer: at.pace.Over(at.client), until: time.Now().Add(readyTime)}
		if err == nil {
			l.enter(inBenchmark, p.name)
			err = r.benchmark(ctx, l, p, out, tuned)
			if err == nil && i == len(l.phases)-1 && out.Decision.Verdict == gate.Pass {
				err = r.hold(ctx, l, p, out, tuned)
			}
			takeDown()
		}
		if ctx.Err() != nil {
			r.end(l, gate.Pending, fmt.Sprintf("interrupted in the benchmark of the %s phase; its model %s is kept", p.name, cmp.Or(out.Model, "of job "+out.Job)))
			return
		}
		if at := tuned.notServed(l, out.Model, cmp.Or(state.Job.FinishedAt, state.Job.CreatedAt)); at.verdict != "" {
			l.out.Next = append(l.out.Next, at.todo...)
			r.end(l, at.verdict, at.reason)
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
	l.out.Next = append(l.out.Next, forgotten(last)...)
	verdict, reasons := guarded(last)
	r.end(l, verdict, reasons...)
}

// errFindOnly ends a launch where none is to be made.
var errFindOnly = errors.New("this run launches nothing")

// errNoPlace is wrapped when the provider has as many jobs of the base model as max_parallel allows.
var errNoPlace = errors.New("no place")

// train brings one fine-tune to its end, or as far as the waiting time allows, and enters it in the report. passOn lets
// the next leg commit its money; it may be called more than once.
func (r *run) train(ctx context.Context, l *leg, p phase, out *report.Phase, book *journal.Journal, passOn func()) (train.State, error) {
	launch := l.launch(p, r.places.byName[l.agent.Provider])
	launch.Until, launch.Attempts, launch.Again = r.until, r.Attempts, r.again
	if !r.deadline.IsZero() && (r.until.IsZero() || r.deadline.Before(r.until)) {
		launch.Until = r.deadline
	}
	launch.Training, launch.Validation = r.showUpload(l, p, launch.Training), r.showUpload(l, p, launch.Validation)
	out.Key = string(launch.Spec.Key())
	k, heard, holding := r.kin(out.Key), 0, false
	release := func() {
		if holding {
			holding = false
			<-k.creating
		}
	}
	defer release()
	at, bill := l.seat(p, r.seats[l.queue()]), &bill{run: r, leg: l, phase: p, kin: k}
	launch.Record = func(e train.Event) error {
		err := book.Append(e)
		if err == nil || e.Kind != train.Intent { // without its intent no job is created
			k.tell(l.out.ID, e)
		}
		if e.Kind == train.Launched {
			bill.launched(e.Attempt)
		}
		return err
	}
	launch.Reserve = func(s train.Spec) error {
		defer passOn()
		if r.FindOnly {
			return errFindOnly
		}
		if !holding {
			select {
			case k.creating <- struct{}{}:
				holding = true
			case <-ctx.Done():
				return ctx.Err()
			}
		}
		if news, _ := k.news(l.out.ID, heard); len(news) > 0 {
			return errElsewhere
		}
		if err := r.inTime(); err != nil {
			return err
		}
		if err := bill.reserve(s.Attempt); err != nil {
			return err
		}
		if !at.take() {
			return fmt.Errorf("%w: %s runs %s of %s at a time, by max_parallel", errNoPlace, l.out.Provider, count(at.of.limit, "job"), l.agent.BaseModel)
		}
		usd, err := r.reachable(ctx, l)
		if bill.asked(usd); err != nil {
			return err
		}
		if err := r.startClock(); err != nil {
			return err
		}
		r.tell(Event{Leg: l.out.ID, Stage: Training, Phase: p.name, Text: fmt.Sprintf("%s: launching on %s", p.name, count(p.examples, "example"))})
		return nil
	}
	launch.Waiting = func(why error, again time.Duration) {
		r.tell(Event{Leg: l.out.ID, Stage: Training, Phase: p.name, Text: p.name + ": " + r.waiting(l, why, again)})
	}
	var status train.Status
	var losses curve
	remarked := false
	launch.Notify = func(j train.Job, metrics []train.Metric) {
		if status == "" {
			bill.found(j)
		}
		if !j.Status.Final() {
			at.keep()
		}
		release()
		passOn()
		if j.Status != status {
			status = j.Status
			if stage := stageOf(status); stage != "" {
				l.enter(stage, p.name)
			}
			r.tell(Event{Leg: l.out.ID, Stage: Training, Phase: p.name, Text: fmt.Sprintf("%s: job %s is %s", p.name, j.ID, status), Status: status, Finish: j.EstimatedFinish})
		}
		if remark := stuck(j); remark != "" && !remarked {
			remarked = true
			r.tell(Event{Leg: l.out.ID, Stage: Training, Phase: p.name, Text: fmt.Sprintf("%s: job %s: %s", p.name, j.ID, remark)})
		}
		for _, m := range metrics {
			loss := m.TrainLoss
			out.FinalLoss = &loss
			losses.add(m)
			r.tell(Event{Leg: l.out.ID, Stage: Training, Phase: p.name, Step: m.Step, Steps: m.TotalSteps, Loss: loss, Finish: j.EstimatedFinish})
		}
	}
	defer func() { out.Losses = losses.losses() }()
	began := time.Now()
	var state train.State
	launched, extra := 0, []string(nil)
	for {
		news, n := k.news(l.out.ID, heard)
		if err := merge(book, news); err != nil {
			return state, err
		}
		heard = n
		own, err := past(book.Records(), l.out.ID)
		if err != nil {
			return state, err
		}
		launch.Past = append(k.before(l.out.ID), own...)
		state, err = train.Advance(ctx, launch)
		release()
		launched, extra = launched+state.Launched, append(extra, state.Extra...)
		// After these, look again: another leg, or another run, may have launched it meanwhile.
		if errors.Is(err, errElsewhere) {
			launch.Again = false
			continue
		}
		if errors.Is(err, errNoPlace) {
			l.enter(inWait, "")
			if at.wait(ctx, launch.Until) == nil {
				l.enter(inLaunch, p.name)
				continue
			}
		}
		state.Launched, state.Extra = launched, slices.Compact(slices.Sorted(slices.Values(extra)))
		return r.trained(p, out, at, bill, state, err, began)
	}
}

// trained enters in the report what train.Advance has come to.
func (r *run) trained(p phase, out *report.Phase, at *seat, bill *bill, state train.State, err error, began time.Time) (train.State, error) {
	if !state.Pending() && !state.Unsettled {
		at.leave() // a job that goes on keeps its place: the next leg must not be launched beside it
	}
	j := state.Job
	out.Job, out.Status, out.Attempt, out.Model, out.TrainedTokens, out.ErrorCode = j.ID, string(j.Status), j.Attempt, j.Model, j.TrainedTokens, j.Code
	if finish := j.EstimatedFinish.UTC(); !j.EstimatedFinish.IsZero() && !j.Status.Final() {
		out.Finish = &finish
	}
	if !j.CreatedAt.IsZero() {
		made := j.CreatedAt.UTC()
		out.Created = &made
	}
	out.Launched, out.Extra, out.TrainSeconds = state.Launched, state.Extra, time.Since(began).Seconds()
	if errors.Is(err, train.ErrNotFound) {
		out.Status = "lost"
	}
	if errors.Is(err, errFindOnly) && j.ID == "" {
		out.Status = report.Untuned
	}
	out.CostUSD = bill.end(state)
	return state, err
}

// past is what the records of a leg's journal say, of all its fine-tunes.
func past(records []json.RawMessage, id string) (events []train.Event, err error) {
	for _, raw := range records {
		var e train.Event
		if err := json.Unmarshal(raw, &e); err != nil {
			return nil, fmt.Errorf("reading the journal of %s: %w", id, err)
		}
		events = append(events, e)
	}
	return events, nil
}

// launch describes the fine-tune of a phase at a place: the run key's parts and the files. The key in the files' names
// leads back from a job to its fine-tune where a service keeps no metadata.
func (l *leg) launch(p phase, at endpoint) train.Launch {
	out := train.Launch{Provider: at.client, Settle: at.settle, Reach: at.reach, Spec: l.spec(p, at.identity)}
	key := out.Spec.Key()
	out.Training = upload(l.train, p.first(), p.training)
	out.Training.Name = fmt.Sprintf("tunegate-%.24s-train.jsonl", key)
	if l.valid != nil {
		out.Validation = upload(l.valid, 0, l.validation)
		out.Validation.Name = fmt.Sprintf("tunegate-%.24s-valid.jsonl", key)
	}
	return out
}

// spec is the fine-tune of a phase at a provider of that identity.
func (l *leg) spec(p phase, identity string) train.Spec {
	return train.Spec{
		Endpoint: identity, Model: l.agent.BaseModel, Method: "supervised", Agent: l.agent.Name,
		Epochs: p.epochs, BatchSize: l.agent.BatchSize, LearningRate: l.agent.LearningRateMultiplier, Seed: int64(l.agent.Seed),
		Training: p.training.SHA256, Validation: l.validation.SHA256,
	}
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
