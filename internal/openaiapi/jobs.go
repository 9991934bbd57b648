package openaiapi

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"mime/multipart"
	"net/http"
	"net/textproto"
	"net/url"
	"slices"
	"strconv"
	"strings"
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

type file struct {
	ID       string `json:"id"`
	Filename string `json:"filename"`
	Bytes    int64  `json:"bytes"`
	Purpose  string `json:"purpose"`
	Status   string `json:"status"`
}

// Upload implements train.Provider: a file of that name and size is used as it is, otherwise the bytes are streamed.
func (c *Client) Upload(ctx context.Context, f train.File) (string, error) {
	var id string
	err := persist(ctx, func() error {
		var err error
		if id, err = c.findFile(ctx, f); err == nil && id == "" {
			id, err = c.sendFile(ctx, f)
		}
		return err
	})
	return id, err
}

// findFile looks through all pages; services that ignore the purpose filter send other files too.
func (c *Client) findFile(ctx context.Context, f train.File) (string, error) {
	query := url.Values{"purpose": {"fine-tune"}, "limit": {"1000"}}
	for {
		var page struct {
			Data    []file `json:"data"`
			HasMore bool   `json:"has_more"`
		}
		if err := c.send(ctx, http.MethodGet, "/files", query, nil, &page); err != nil {
			return "", err
		}
		for _, have := range page.Data {
			if have.Filename == f.Name && have.Bytes == f.Size && have.Status != "error" {
				return have.ID, nil
			}
		}
		if !page.HasMore || len(page.Data) == 0 {
			return "", nil
		}
		query.Set("after", page.Data[len(page.Data)-1].ID)
	}
}

// sendFile streams the multipart form, so that memory does not grow with the file. Its length is announced, since
// some services refuse chunked uploads.
func (c *Client) sendFile(ctx context.Context, f train.File) (string, error) {
	data, err := f.Open()
	if err != nil {
		return "", local{err}
	}
	defer data.Close()
	source := &source{Reader: data}
	var head strings.Builder
	form := multipart.NewWriter(&head)
	if err := form.WriteField("purpose", "fine-tune"); err != nil {
		return "", err
	}
	h := textproto.MIMEHeader{}
	h.Set("Content-Disposition", fmt.Sprintf(`form-data; name="file"; filename="%s"`, f.Name))
	h.Set("Content-Type", "application/jsonl")
	if _, err := form.CreatePart(h); err != nil {
		return "", err
	}
	tail := "\r\n--" + form.Boundary() + "--\r\n"
	q, err := c.request(ctx, http.MethodPost, "/files", nil, io.MultiReader(strings.NewReader(head.String()), source, strings.NewReader(tail)))
	if err != nil {
		return "", err
	}
	q.ContentLength = int64(head.Len()) + f.Size + int64(len(tail))
	q.Header.Set("Content-Type", form.FormDataContentType())
	var got file
	err = c.do(q, &got)
	if source.err != nil {
		return "", local{source.err}
	}
	if err != nil {
		return "", err
	}
	if got.ID == "" {
		return "", errors.New("the service gave the file no id")
	}
	return got.ID, nil
}

// source remembers why reading it failed: the transport's own error is about the connection.
type source struct {
	io.Reader
	err error
}

func (s *source) Read(p []byte) (int, error) {
	n, err := s.Reader.Read(p)
	if err != nil && err != io.EOF {
		s.err = err
	}
	return n, err
}

type hyperparameters struct {
	Epochs       any `json:"n_epochs,omitempty"`
	BatchSize    any `json:"batch_size,omitempty"`
	LearningRate any `json:"learning_rate_multiplier,omitempty"`
}

type method struct {
	Type       string `json:"type"`
	Supervised struct {
		Hyperparameters hyperparameters `json:"hyperparameters"`
	} `json:"supervised"`
}

type createRequest struct {
	Model      string            `json:"model"`
	Training   string            `json:"training_file"`
	Validation string            `json:"validation_file,omitempty"`
	Suffix     string            `json:"suffix"`
	Seed       int64             `json:"seed"`
	Metadata   map[string]string `json:"metadata"`
	Method     method            `json:"method"`
}

// Start implements train.Provider. The epochs are always sent: what a service takes as its default differs, and so
// would the bill. A reply with a 4xx status is a refusal; 408, 5xx and a lost connection leave the outcome open.
func (c *Client) Start(ctx context.Context, s train.Spec, training, validation string) (string, error) {
	q := createRequest{
		Model: s.Model, Training: training, Validation: validation, Suffix: s.Label(), Seed: s.Seed,
		Metadata: map[string]string{metaKey: string(s.Key()), metaAttempt: strconv.Itoa(max(s.Attempt, 1)), metaAgent: s.Agent},
		Method:   method{Type: s.Method},
	}
	h := &q.Method.Supervised.Hyperparameters
	h.Epochs = "auto"
	if s.Epochs > 0 {
		h.Epochs = s.Epochs
	}
	if s.BatchSize > 0 {
		h.BatchSize = s.BatchSize
	}
	if s.LearningRate > 0 {
		h.LearningRate = s.LearningRate
	}
	var j job
	err := c.send(ctx, http.MethodPost, "/fine_tuning/jobs", nil, q, &j)
	var e *Error
	if errors.As(err, &e) && e.Status >= 400 && e.Status < 500 && e.Status != http.StatusRequestTimeout {
		return "", fmt.Errorf("%w: %w", train.ErrRefused, err)
	}
	if err == nil && j.ID == "" {
		err = errors.New("the service gave the job no id")
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
	TrainedTokens   *int64            `json:"trained_tokens"`
	Metadata        map[string]string `json:"metadata"`
	Error           json.RawMessage   `json:"error"`
}

func (j job) state() train.Job {
	t := train.Job{
		ID: j.ID, Key: train.Key(j.Metadata[metaKey]), Attempt: 1, Status: train.Unknown,
		CreatedAt: time.Unix(j.Created, 0), Error: j.reason(),
	}
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
		t.Model = *j.Tuned
	}
	if j.TrainedTokens != nil {
		t.TrainedTokens = *j.TrainedTokens
	}
	return t
}

// reason returns the job's error; live services send null, {}, an object of nulls, or a real one.
func (j job) reason() string {
	var e struct {
		Code    string `json:"code"`
		Message string `json:"message"`
	}
	if json.Unmarshal(j.Error, &e) != nil {
		return ""
	}
	if e.Message == "" {
		return e.Code
	}
	return e.Message
}

// Find implements train.Provider. The filter is sent and checked again: some services ignore it.
func (c *Client) Find(ctx context.Context, key train.Key) ([]train.Job, error) {
	query := url.Values{"limit": {"100"}, "metadata[" + metaKey + "]": {string(key)}}
	var found []train.Job
	for {
		var page struct {
			Data    []job `json:"data"`
			HasMore bool  `json:"has_more"`
		}
		if err := c.get(ctx, "/fine_tuning/jobs", query, &page); err != nil {
			return nil, err
		}
		for _, j := range page.Data {
			if j.Metadata[metaKey] == string(key) {
				found = append(found, j.state())
			}
		}
		if !page.HasMore || len(page.Data) == 0 {
			return found, nil
		}
		query.Set("after", page.Data[len(page.Data)-1].ID)
	}
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
	return err
}

// Metrics implements train.Watcher. Events come newest first and repeat from call to call, so pages are read back
// to the step already known.
func (c *Client) Metrics(ctx context.Context, jobID string, after int) ([]train.Metric, error) {
	query := url.Values{"limit": {"100"}}
	var metrics []train.Metric
	for {
		var page struct {
			Data []struct {
				ID   string `json:"id"`
				Type string `json:"type"`
				Data struct {
					Step       int     `json:"step"`
					TotalSteps int     `json:"total_steps"`
					TrainLoss  float64 `json:"train_loss"`
					ValidLoss  float64 `json:"valid_loss"`
				} `json:"data"`
			} `json:"data"`
			HasMore bool `json:"has_more"`
		}
		if err := c.send(ctx, http.MethodGet, "/fine_tuning/jobs/"+url.PathEscape(jobID)+"/events", query, nil, &page); err != nil {
			return nil, err
		}
		known := false
		for _, e := range page.Data {
			switch {
			case e.Data.Step == 0:
			case e.Data.Step <= after:
				known = true
			default:
				metrics = append(metrics, train.Metric{Step: e.Data.Step, TotalSteps: e.Data.TotalSteps, TrainLoss: e.Data.TrainLoss, ValidLoss: e.Data.ValidLoss})
			}
		}
		if known || !page.HasMore || len(page.Data) == 0 {
			break
		}
		query.Set("after", page.Data[len(page.Data)-1].ID)
	}
	// A training that began anew reports its first steps twice; the later report of a step stands.
	slices.SortStableFunc(metrics, func(a, b train.Metric) int { return a.Step - b.Step })
	return slices.CompactFunc(metrics, func(a, b train.Metric) bool { return a.Step == b.Step }), nil
}
