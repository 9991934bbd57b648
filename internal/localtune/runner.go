package localtune

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math"
	"os"
	"path/filepath"
	"runtime"
	"sync"
	"time"

	"github.com/tunegate/tunegate/internal/dataset"
	"github.com/tunegate/tunegate/internal/diag"
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
func (r *runner) resume() {
	all := r.store.allJobs()
	for i := len(all) - 1; i >= 0; i-- {
		if j := all[i]; !j.final() {
			_ = r.store.addEvent(j.ID, event{Level: "info", Type: "message", Message: "The server was started again: training begins anew"})
			r.start(j.ID)
		}
	}
}

func (r *runner) start(id string) {
	ctx, end := context.WithCancel(r.ctx)
	r.mu.Lock()
	r.ends[id] = end
	r.mu.Unlock()
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
	r.stopIt()
	r.wg.Wait()
}

// cancel ends a job; a final one is refused, as in the contract.
func (r *runner) cancel(id string) (jobRecord, error) {
	j, err := r.store.updateJob(id, func(j *jobRecord) error {
		if j.final() {
			return invalid("id", "Job has already completed: %s", id)
		}
		j.Status, j.Finished = cancelled, time.Now()
		return nil
	})
	if err != nil {
		return j, err
	}
	r.mu.Lock()
	if end := r.ends[id]; end != nil {
		end()
	}
	r.mu.Unlock()
	return j, r.store.addEvent(id, event{Level: "info", Type: "message", Message: "The job has been cancelled"})
}

// move changes a live job; one that was cancelled meanwhile stays so.
func (r *runner) move(id string, edit func(*jobRecord)) (jobRecord, error) {
	return r.store.updateJob(id, func(j *jobRecord) error {
		if j.final() {
			return context.Canceled
		}
		edit(j)
		return nil
	})
}

func (r *runner) run(ctx context.Context, id string) {
	err := r.train(ctx, id)
	if err == nil || ctx.Err() != nil || errors.Is(err, context.Canceled) {
		return
	}
	failure := &jobError{Code: "server_error", Message: err.Error()}
	errors.As(err, &failure)
	_, _ = r.move(id, func(j *jobRecord) { j.Status, j.Finished, j.Error = failed, time.Now(), failure })
	_ = r.store.addEvent(id, event{Level: "error", Type: "message", Message: failure.Message})
}

// Error makes a jobError the reason that a training ends.
func (e *jobError) Error() string { return e.Message }

func (r *runner) train(ctx context.Context, id string) error {
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
	train, err := r.load(ctx, j.Training, "training_file")
	if err != nil {
		return err
	}
	var valid data
	if j.Validation != "" {
		if valid, err = r.load(ctx, j.Validation, "validation_file"); err != nil {
			return err
		}
	}
	if train.rows < minExamples {
		return &jobError{Code: "invalid_training_file", Param: "training_file",
			Message: fmt.Sprintf("The training file has %d example(s), but must have at least %d", train.rows, minExamples)}
	}
	if j, err = r.move(id, func(j *jobRecord) {
		j.Status = running
		if j.Epochs == 0 {
			j.Epochs = engine.AutoEpochs(len(train.examples))
		}
	}); err != nil {
		return err
	}
	_ = r.store.addEvent(id, event{Level: "info", Type: "message", Message: "Fine-tuning job started"})
	var last engine.Progress
	m, err := engine.Fit(ctx, train.examples, valid.examples, engine.Recipe{Epochs: j.Epochs, Seed: j.Seed, LearningRate: j.LearningRate, BatchSize: j.BatchSize}, func(p engine.Progress) {
		last = p
		_ = r.store.addEvent(id, metrics(p))
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
	j, err = r.move(id, func(j *jobRecord) {
		j.Status, j.Finished, j.Model = succeeded, time.Now(), j.modelName()
		j.TrainedTokens = train.tokens * int64(j.Epochs)
		j.ToolCalls, j.Steps = train.toolCalls, last.Step
		if !math.IsNaN(last.TrainLoss) {
			j.Loss = last.TrainLoss
		}
	})
	if err != nil {
		return err
	}
	_ = r.store.addEvent(id, event{Level: "info", Type: "message", Message: "New fine-tuned model created: " + j.Model})
	return r.store.addEvent(id, event{Level: "info", Type: "message", Message: "The job has successfully completed"})
}

func metrics(p engine.Progress) event {
	data := map[string]any{"step": p.Step, "total_steps": p.TotalSteps}
	for name, v := range map[string]float64{"train_loss": p.TrainLoss, "train_mean_token_accuracy": p.TrainAccuracy, "valid_loss": p.ValidLoss, "valid_mean_token_accuracy": p.ValidAccuracy} {
		if !math.IsNaN(v) && !math.IsInf(v, 0) {
			data[name] = v
		}
	}
	return event{Level: "info", Type: "metrics", Message: fmt.Sprintf("Step %d/%d: training loss=%.4f", p.Step, p.TotalSteps, p.TrainLoss), Data: data}
}

// data is what a training file teaches.
type data struct {
	examples  []engine.Example
	rows      int
	tokens    int64 // by the chat rule, each row once
	toolCalls bool
}

func (r *runner) load(ctx context.Context, file, param string) (data, error) {
	var d data
	bad := func(format string, args ...any) error {
		return &jobError{Code: "invalid_" + param, Param: param, Message: "The job failed due to an invalid " + param + ": " + fmt.Sprintf(format, args...)}
	}
	rec, err := r.store.file(file)
	if err != nil {
		return d, bad("the file %s was deleted", file)
	}
	f, err := dataset.Open(r.store.filePath(file), rec.Name)
	if err == nil {
		count := r.counts.borrow()
		defer r.counts.give(count)
		for row, err2 := range f.Rows(ctx) {
			if err = err2; err != nil {
				break
			}
			if len(row.Problems) > 0 {
				return d, bad("line %d: %s", row.Line, row.Problems[0].Message)
			}
			if len(row.Messages) == 0 {
				continue // a blank line
			}
			d.rows++
			_, n := row.Tokens(count)
			d.tokens += int64(n)
			d.add(row)
		}
	}
	var mistakes diag.Mistakes
	if errors.As(err, &mistakes) {
		return d, bad("%s", mistakes[0].Message)
	}
	return d, err
}

// add turns a row into an example for each message that is trained on.
func (d *data) add(row *dataset.Row) {
	row = row.Clone()
	turns := make([]engine.Turn, 0, len(row.Messages))
	for i := range row.Messages {
		m := &row.Messages[i]
		text := m.Content
		if m.ToolCalls != "" {
			if call, ok := plainCall(m.ToolCalls); ok {
				text = call
				d.toolCalls = d.toolCalls || m.Trained()
			}
		}
		if m.Trained() {
			d.examples = append(d.examples, engine.Example{Prompt: turns[:len(turns):len(turns)], Answer: text})
		}
		turns = append(turns, engine.Turn{Role: m.Role, Content: text})
	}
}

// modelCache keeps the models used last in memory; a model of 150 labels takes some 30 MB.
type modelCache struct {
	store *store
	mu    sync.Mutex
	held  []heldModel // the one used last is last
}

type heldModel struct {
	name  string
	model *engine.Model
	job   jobRecord
}

const heldModels = 8

func newModelCache(st *store) *modelCache { return &modelCache{store: st} }

// get returns the model of that name, reading it from disk if need be.
func (c *modelCache) get(name string) (heldModel, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for i, h := range c.held {
		if h.name == name {
			c.held = append(append(c.held[:i:i], c.held[i+1:]...), h)
			return h, nil
		}
	}
	for _, j := range c.store.allJobs() {
		if j.Model != name || name == "" {
			continue
		}
		f, err := os.Open(c.store.modelPath(j.ID))
		if err != nil {
			return heldModel{}, fmt.Errorf("opening the model %s: %w", name, err)
		}
		defer f.Close()
		m, err := engine.ReadModel(f)
		if err != nil {
			return heldModel{}, fmt.Errorf("reading %s: %w", filepath.Base(f.Name()), err)
		}
		if len(c.held) == heldModels {
			c.held = c.held[1:]
		}
		h := heldModel{name, m, j}
		c.held = append(c.held, h)
		return h, nil
	}
	return heldModel{}, &apiError{404, "invalid_request_error", "model", "model_not_found", fmt.Sprintf("The model `%s` does not exist or you do not have access to it.", name)}
}
