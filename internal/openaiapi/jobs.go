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
	"time"

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
		return "", errors.New("the service gave the job no id, or one that cannot be shown")
	}
	return j.ID, err
}

// job is a job as services send it; any field may be null or missing.
type job struct {
	ID              string            `json:"id"`
	Status          string            `json:"status"`
	Created         int64             `json:"created_at"`
	Finished        *int64            `json:"finished_at"`
	EstimatedFinish *int64            `json:"estimated_finish"`
	Tuned           *string           `json:"fine_tuned_model"`
	UserSuffix      string            `json:"user_provided_suffix"`
	Suffix          string            `json:"suffix"`
	TrainedTokens   *int64            `json:"trained_tokens"`
	Metadata        map[string]string `json:"metadata"`
	Error           json.RawMessage   `json:"error"`
}

// state is the job as train sees it; without metadata, its key and attempt are zero. Names are shown and written about: one
// that cannot be is changed, and then leads nowhere.
func (j job) state() train.Job {
	t := train.Job{
		ID: printable(j.ID), Key: train.Key(j.Metadata[metaKey]), Status: train.Unknown,
		CreatedAt: time.Unix(j.Created, 0),
	}
	t.Code, t.Error = j.reason()
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
		t.FinishedAt = time.Unix(*j.Finished, 0)
	}
	if j.EstimatedFinish != nil && *j.EstimatedFinish > 0 {
		t.EstimatedFinish = time.Unix(*j.EstimatedFinish, 0)
	}
	if j.Tuned != nil {
		t.Model = printable(*j.Tuned)
	}
	if j.TrainedTokens != nil {
		t.TrainedTokens = *j.TrainedTokens
	}
	return t
}

// reason returns the job's error, its code and a sentence, fit to be shown; live services send null, {}, an object of
// nulls, or a real one.
func (j job) reason() (code, text string) {
	var e struct {
		Code    string `json:"code"`
		Message string `json:"message"`
	}
	if json.Unmarshal(j.Error, &e) != nil {
		return "", ""
	}
	if e.Message == "" {
		e.Message = e.Code
	}
	return printable(e.Code), printable(e.Message)
}

// Poll implements train.Provider.
func (c *Client) Poll(ctx context.Context, jobID string) (train.Job, error) {
	var j job
	err := c.get(ctx, "/fine_tuning/jobs/"+url.PathEscape(jobID), nil, &j)
	return j.state(), gone(err)
}

// Cancel implements train.Provider. A service refuses to cancel a final job; whether it is final is asked then.
func (c *Client) Cancel(ctx context.Context, jobID string) error {
	var j job
	err := c.send(ctx, http.MethodPost, "/fine_tuning/jobs/"+url.PathEscape(jobID)+"/cancel", nil, struct{}{}, &j)
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
	ID   string `json:"id"`
	Data struct {
		Step       int     `json:"step"`
		TotalSteps int     `json:"total_steps"`
		TrainLoss  float64 `json:"train_loss"`
		ValidLoss  float64 `json:"valid_loss"`
	} `json:"data"`
}

// Metrics implements train.Watcher. Events come newest first and repeat from call to call, so pages are read back
// to the step already known.
func (c *Client) Metrics(ctx context.Context, jobID string, after int) ([]train.Metric, error) {
	path := "/fine_tuning/jobs/" + url.PathEscape(jobID) + "/events"
	var metrics []train.Metric
	for page, err := range pages(ctx, c.once, path, url.Values{"limit": {"100"}}, func(e event) string { return e.ID }) {
		if err != nil {
			return nil, err
		}
		known := false
		for _, e := range page {
			switch {
			case e.Data.Step == 0:
			case e.Data.Step <= after:
				known = true
			default:
				metrics = append(metrics, train.Metric{Step: e.Data.Step, TotalSteps: e.Data.TotalSteps, TrainLoss: e.Data.TrainLoss, ValidLoss: e.Data.ValidLoss})
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
