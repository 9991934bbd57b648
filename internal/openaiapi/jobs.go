package openaiapi

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strconv"

	"github.com/tunegate/tunegate/internal/train"
)

// Client is a provider of fine-tunes that can also show their progress.
var (
	_ train.Provider = (*Client)(nil)
	_ train.Watcher  = (*Client)(nil)
)

// Metadata keys that every job bears.
const (
	metaKey     = "tunegate_run_key"
	metaAttempt = "tunegate_attempt"
	metaAgent   = "tunegate_agent"
)

// createRequest is a job as services take it: its hyperparameters in a method, or in the older place.
type createRequest struct {
	Model           string            `json:"model"`
	Training        string            `json:"training_file"`
	Validation      string            `json:"validation_file,omitempty"`
	Suffix          string            `json:"suffix"`
	Seed            int64             `json:"seed"`
	Metadata        map[string]string `json:"metadata,omitempty"`
	Method          map[string]any    `json:"method,omitempty"`
	Hyperparameters map[string]any    `json:"hyperparameters,omitempty"`
}

// create makes the request of a fine-tune, in the form that the service wants. The epochs are always in it: what a
// service takes as its default differs, and so would the bill.
func (s service) create(spec train.Spec, training, validation string) (createRequest, error) {
	switch {
	case s.epochs > 0 && spec.Epochs > s.epochs:
		return createRequest{}, fmt.Errorf("%s trains for %d epochs at most, not %d", s.name, s.epochs, spec.Epochs)
	case s.noAuto && spec.Epochs == 0:
		return createRequest{}, fmt.Errorf("%s wants a number of epochs", s.name)
	case s.noAuto && spec.LearningRate > 0:
		return createRequest{}, fmt.Errorf("%s takes no learning_rate_multiplier: leave it auto", s.name)
	}
	q := createRequest{Model: spec.Model, Training: training, Validation: validation, Suffix: s.label(spec.Label()), Seed: spec.Seed}
	if !s.noMetadata {
		q.Metadata = map[string]string{metaKey: string(spec.Key()), metaAttempt: strconv.Itoa(max(spec.Attempt, 1)), metaAgent: spec.Agent}
	}
	h := map[string]any{"n_epochs": "auto"}
	maps.Copy(h, s.fixed)
	if spec.Epochs > 0 {
		h["n_epochs"] = spec.Epochs
	}
	if spec.BatchSize > 0 {
		h["batch_size"] = spec.BatchSize
	}
	if spec.LearningRate > 0 {
		h["learning_rate_multiplier"] = spec.LearningRate
	}
	if s.flat {
		q.Hyperparameters = h
	} else {
		q.Method = map[string]any{"type": spec.Method, spec.Method: map[string]any{"hyperparameters": h}}
	}
	return q, nil
}

// Start implements train.Provider. A reply with a 4xx status is a refusal, a *train.Busy where the service has no room;
// 408, 5xx and a lost connection leave the outcome open.
func (c *Client) Start(ctx context.Context, s train.Spec, training, validation string) (string, error) {
	q, err := c.service.create(s, training, validation)
	if err != nil {
		return "", fmt.Errorf("%w: %w", train.ErrRefused, err)
	}
	var j job
	err = c.send(ctx, http.MethodPost, "/fine_tuning/jobs", nil, q, &j)
	var e *Error
	if errors.As(err, &e) && e.full() {
		return "", &train.Busy{After: e.RetryAfter, Err: err}
	}
	if errors.As(err, &e) && e.Status >= 400 && e.Status < 500 && e.Status != http.StatusRequestTimeout {
		return "", fmt.Errorf("%w: %w", train.ErrRefused, err)
	}
	if err == nil && (j.ID == "" || j.ID != printable(j.ID)) {
		return "", fmt.Errorf("the service gave the job no id, or one that cannot be shown%s", blame(j.Error))
	}
	return j.ID, err
}

// job is a job as services send it; any field may be null or missing.
type job struct {
	ID              string          `json:"id"`
	Status          string          `json:"status"`
	Created         float64         `json:"created_at"`
	Finished        *float64        `json:"finished_at"`
	EstimatedFinish *float64        `json:"estimated_finish"`
	Tuned           *string         `json:"fine_tuned_model"`
	UserSuffix      string          `json:"user_provided_suffix"`
	Suffix          string          `json:"suffix"`
	TrainedTokens   *float64        `json:"trained_tokens"`
	Metadata        labels          `json:"metadata"`
	Error           json.RawMessage `json:"error"`
}

// state is the job as train sees it; without metadata, its key and attempt are zero. Names are shown and written about: one
// that cannot be is changed, and then leads nowhere.
func (j job) state() train.Job {
	t := train.Job{
		ID: printable(j.ID), Key: train.Key(j.Metadata[metaKey]), Status: train.Unknown,
		CreatedAt: moment(j.Created),
	}
	t.Code, t.Error = reason(j.Error)
	if n, err := strconv.Atoi(j.Metadata[metaAttempt]); err == nil && n > 0 {
		t.Attempt = n
	}
	switch j.Status {
	case "created":
		t.Status = train.Created
	case "validating_files":
		t.Status = train.Validating
	case "queued":
		t.Status = train.Queued
	case "running":
		t.Status = train.Running
	case "succeeded":
		t.Status = train.Succeeded
	case "failed":
		t.Status = train.Failed
	case "cancelled":
		t.Status = train.Cancelled
	}
	if j.Finished != nil && *j.Finished > 0 {
		t.FinishedAt = moment(*j.Finished)
	}
	if j.EstimatedFinish != nil && *j.EstimatedFinish > 0 {
		t.EstimatedFinish = moment(*j.EstimatedFinish)
	}
	if j.Tuned != nil {
		t.Model = printable(*j.Tuned)
	}
	if j.TrainedTokens != nil {
		t.TrainedTokens = whole(*j.TrainedTokens)
	}
	return t
}

// reason returns the code and the sentence of an error, fit to be shown; live services send null, {}, an object of
// nulls, or a real one.
func reason(sent json.RawMessage) (code, text string) {
	var e struct {
		Code    string `json:"code"`
		Message string `json:"message"`
	}
	if json.Unmarshal(sent, &e) != nil {
		return "", ""
	}
	if e.Message == "" {
		e.Message = e.Code
	}
	return printable(e.Code), printable(e.Message)
}

// blame is what an error that came with a status of success adds to ours.
func blame(sent json.RawMessage) string {
	if _, text := reason(sent); text != "" {
		return ": " + text
	}
	return ""
}

// jobPath is the address of a job, or of what lies below it. One of no name would be that of all jobs.
func jobPath(id, below string) (string, error) {
	if id == "" || id == "." || id == ".." {
		return "", fmt.Errorf("%q is no job's id", id)
	}
	return "/fine_tuning/jobs/" + url.PathEscape(id) + below, nil
}

// isJob returns an error, which may pass, unless a reply is the job that was asked for: a proxy's own error may come with
// a status of success, and taken for a job it would be one of another name in an unknown state.
func (j job) isJob(id string) error {
	if j.ID != id {
		return fmt.Errorf("the reply is not job %s but %q%s", id, printable(j.ID), blame(j.Error))
	}
	return nil
}

// Poll implements train.Provider. A reply that is not the job is an error.
func (c *Client) Poll(ctx context.Context, jobID string) (train.Job, error) {
	path, err := jobPath(jobID, "")
	if err != nil {
		return train.Job{}, train.Permanent(err)
	}
	var j job
	err = persistent(ctx, lookTries, lookWaits, func() error {
		j = job{} // what a try before left must not mix with this one
		if err := c.once(ctx, path, nil, &j); err != nil {
			return err
		}
		return j.isJob(jobID)
	})
	if err != nil {
		return train.Job{}, gone(err)
	}
	return j.state(), nil
}

// Cancel implements train.Provider. A service refuses to cancel a final job; whether it is final is asked then.
func (c *Client) Cancel(ctx context.Context, jobID string) error {
	path, err := jobPath(jobID, "/cancel")
	if err != nil {
		return train.Permanent(err)
	}
	var j job
	if err = c.send(ctx, http.MethodPost, path, nil, struct{}{}, &j); err == nil {
		err = j.isJob(jobID)
	}
	if err == nil {
		return nil
	}
	if now, err2 := c.Poll(ctx, jobID); err2 == nil && now.Status.Final() {
		return nil
	}
	return gone(err)
}

func gone(err error) error {
	var e *Error
	if errors.As(err, &e) && e.Status == http.StatusNotFound {
		return fmt.Errorf("%w: %w", train.ErrNotFound, err)
	}
	return marked(err)
}

// event is what a service tells of a job's training.
type event struct {
	id     string
	metric train.Metric // of step 0 where it tells something else
}

// UnmarshalJSON takes anything; what is no event tells nothing.
func (e *event) UnmarshalJSON(b []byte) error {
	l := loosely(b)
	d := l.object("data")
	*e = event{l.text("id"), train.Metric{
		Step: int(whole(d.number("step"))), TotalSteps: int(whole(d.number("total_steps"))),
		TrainLoss: d.number("train_loss"), ValidLoss: d.number("valid_loss"),
	}}
	return nil
}

// Metrics implements train.Watcher. Events come newest first and repeat from call to call, so pages are read back
// to the step already known.
func (c *Client) Metrics(ctx context.Context, jobID string, after int) ([]train.Metric, error) {
	path, err := jobPath(jobID, "/events")
	if err != nil {
		return nil, err
	}
	var metrics []train.Metric
	for page, err := range pages(ctx, c.once, path, url.Values{"limit": {"100"}}, func(e event) string { return e.id }) {
		if err != nil {
			return nil, err
		}
		known := false
		for _, e := range page {
			switch {
			case e.metric.Step == 0:
			case e.metric.Step <= after:
				known = true
			default:
				metrics = append(metrics, e.metric)
			}
		}
		if known {
			break
		}
	}
	// A training that began anew reports its first steps twice; the later report of a step stands.
	slices.SortStableFunc(metrics, func(a, b train.Metric) int { return a.Step - b.Step })
	return slices.CompactFunc(metrics, func(a, b train.Metric) bool { return a.Step == b.Step }), nil
}
