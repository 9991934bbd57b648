package localtune

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math"
	"os"
	"runtime"
	"slices"
	"sync"
	"time"

	"github.com/tunegate/tunegate/internal/localtune/engine"
)

// minExamples is the smallest training file that is accepted, as in the contract.
const minExamples = 10

// runner trains the jobs of a store, each in a goroutine of its own, a few at a time.
type runner struct {
	store  *store
	counts *tokenCounts
	opt    Options
	slots  chan struct{}

	ctx    context.Context
	stopIt context.CancelFunc
	wg     sync.WaitGroup
	mu     sync.Mutex
	closed bool
	ends   map[string]context.CancelFunc // of the jobs that are alive
}

func newRunner(st *store, counts *tokenCounts, opt Options) *runner {
	n := opt.Parallel
	if n < 1 {
		n = runtime.GOMAXPROCS(0)
	}
	r := &runner{store: st, counts: counts, opt: opt, slots: make(chan struct{}, n), ends: map[string]context.CancelFunc{}}
	r.ctx, r.stopIt = context.WithCancel(context.Background())
	return r
}

// resume starts the jobs that an earlier process left unfinished, oldest first.
func (r *runner) resume() error {
	for _, j := range slices.Backward(r.store.allJobs()) {
		if j.final() {
			continue
		}
		if j.Status != validating {
			if _, err := r.move(j.ID, func(j *jobRecord) { j.Status = validating }); err != nil {
				return err
			}
		}
		r.store.addEvent(j.ID, notice("The server was started again: training begins anew"))
		r.start(j.ID)
	}
	return nil
}

// start trains a job; once the runner has been stopped, the next one on the folder does.
func (r *runner) start(id string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.closed {
		return
	}
	ctx, end := context.WithCancel(r.ctx)
	r.ends[id] = end
	r.wg.Go(func() {
		defer end()
		r.run(ctx, id)
		r.mu.Lock()
		delete(r.ends, id)
		r.mu.Unlock()
	})
}

// stop ends all trainings without changing their records.
func (r *runner) stop() {
	r.mu.Lock()
	r.closed = true
	r.mu.Unlock()
	r.stopIt()
	r.wg.Wait()
}

// cancel ends a job; a final one is refused, as in the contract.
func (r *runner) cancel(id string) (jobRecord, error) {
	j, err := r.store.updateJob(id, func(j *jobRecord) error {
		switch {
		case j.ID == "":
			return notFound("fine-tuning job", id)
		case j.final():
			return invalid("id", "Job has already completed: %s", id)
		}
		j.Status, j.Finished = cancelled, time.Now()
		return nil
	}, notice("The job has been cancelled"))
	if err != nil {
		return j, err
	}
	r.mu.Lock()
	if end := r.ends[id]; end != nil {
		end()
	}
	r.mu.Unlock()
	return j, nil
}

// move changes a live job; one that was cancelled meanwhile stays so.
func (r *runner) move(id string, edit func(*jobRecord), said ...event) (jobRecord, error) {
	return r.store.updateJob(id, func(j *jobRecord) error {
		if j.final() {
			return context.Canceled
		}
		edit(j)
		return nil
	}, said...)
}

func (r *runner) run(ctx context.Context, id string) {
	err := r.train(ctx, id)
	if err == nil || ctx.Err() != nil || errors.Is(err, context.Canceled) {
		return
	}
	failure := &jobError{Code: "server_error", Message: err.Error()}
	errors.As(err, &failure)
	reason := event{Level: "error", Type: "message", Message: failure.Message}
	j, err := r.move(id, func(j *jobRecord) { j.Status, j.Finished, j.Error = failed, time.Now(), failure }, reason)
	if err != nil && !errors.Is(err, context.Canceled) {
		// The disk is full, say. Clients that wait are told; the next start trains anew.
		r.store.publish(change{Job: &j, said: []event{reason}})
	}
}

// train is the life of a job. A panic ends this job alone: the others, and the next start, which trains anew, would
// otherwise die of it too.
func (r *runner) train(ctx context.Context, id string) (err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("training failed: %v", p)
		}
	}()
	j, err := r.store.job(id)
	if err != nil {
		return err
	}
	// Validation is reading, so it needs a slot too: forty jobs would otherwise be held in memory at once.
	select {
	case r.slots <- struct{}{}:
		defer func() { <-r.slots }()
	case <-ctx.Done():
		return ctx.Err()
	}
	train, valid, err := r.loadBoth(ctx, j)
	if err != nil {
		return err
	}
	if j, err = r.move(id, func(j *jobRecord) {
		j.Status = running
		if j.Epochs == 0 {
			j.Epochs = engine.AutoEpochs(len(train.examples))
		}
	}, notice("Fine-tuning job started")); err != nil {
		return err
	}
	var last engine.Progress
	m, err := engine.Fit(ctx, train.examples, valid.examples, engine.Recipe{Epochs: j.Epochs, Seed: j.Seed, LearningRate: j.LearningRate, BatchSize: j.BatchSize}, func(p engine.Progress) {
		last = p
		r.store.addStep(id, metrics(p))
		if r.opt.StepDelay > 0 {
			select {
			case <-time.After(r.opt.StepDelay):
			case <-ctx.Done():
			}
		}
	})
	if err != nil {
		return err
	}
	if err := writeFile(r.store.modelPath(id), func(w io.Writer) error { _, err := m.WriteTo(w); return err }); err != nil {
		return fmt.Errorf("saving the model: %w", err)
	}
	_, err = r.move(id, func(j *jobRecord) {
		j.Status, j.Finished, j.Model = succeeded, time.Now(), j.modelName()
		j.TrainedTokens = train.tokens * int64(j.Epochs)
		j.ToolCalls, j.Steps = train.toolCalls, last.Step
		if finite(last.TrainLoss) {
			j.Loss = last.TrainLoss
		}
	}, notice("New fine-tuned model created: "+j.modelName()), notice("The job has successfully completed"))
	if err != nil {
		os.Remove(r.store.modelPath(id)) // cancelled in the last moment
		return err
	}
	return nil
}

func metrics(p engine.Progress) event {
	data := map[string]any{"step": p.Step, "total_steps": p.TotalSteps}
	for name, v := range map[string]float64{"train_loss": p.TrainLoss, "train_mean_token_accuracy": p.TrainAccuracy, "valid_loss": p.ValidLoss, "valid_mean_token_accuracy": p.ValidAccuracy} {
		if finite(v) {
			data[name] = v
		}
	}
	return event{Level: "info", Type: "metrics", Message: fmt.Sprintf("Step %d/%d: training loss=%.4f", p.Step, p.TotalSteps, p.TrainLoss), Data: data}
}

func finite(v float64) bool { return !math.IsNaN(v) && !math.IsInf(v, 0) }
