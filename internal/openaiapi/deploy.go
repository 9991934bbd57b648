package openaiapi

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/tunegate/tunegate/internal/train"
)

var _ train.Deployer = (*Client)(nil)

const (
	deployTime = 20 * time.Minute // until a deployed model answers
	removeTime = 30 * time.Second // to take one down, which is not left to the end of a run
)

// Deploy implements train.Deployer. It speaks the contract of Nebius Token Factory's custom models (its API description
// 20260506, below /v0/models): an adapter is made of a checkpoint, is validated, and answers at the price of its base,
// so that there is no time to pay for.
func (c *Client) Deploy(ctx context.Context, j train.Job, base, label string) (model string, remove func() error, err error) {
	if !c.service.deploys {
		return j.Model, func() error { return nil }, nil
	}
	d := deployment{c: c.below("/v0"), jobs: c, label: label, job: j.ID}
	limited, stop := context.WithTimeout(ctx, deployTime)
	defer stop()
	if err := d.make(limited, base); err != nil {
		return "", nil, fmt.Errorf("deploying the model of job %s: %w", j.ID, err)
	}
	if err := d.await(limited); err != nil {
		if !d.theirs {
			err = errors.Join(err, d.remove(ctx))
		}
		return "", nil, fmt.Errorf("deploying the model of job %s: %w", j.ID, err)
	}
	if d.theirs {
		return d.name, nil, nil
	}
	return d.name, func() error { return d.remove(ctx) }, nil
}

// below is the client for what the service serves beside its base URL.
func (c *Client) below(path string) *Client {
	other := *c
	u := *c.base
	u.Path, u.RawPath = path, ""
	other.base = &u
	return &other
}

// deployment is a model on its way to answering.
type deployment struct {
	c, jobs    *Client // of models, and of jobs
	label, job string
	name       string // by which it is asked, once it is known
	theirs     bool   // another run has made it, and may be asking it
}

// custom is a deployed model as the service describes it.
type custom struct {
	Name   string `json:"name"`
	Status string `json:"status"` // validating, active, error or deleted
	Reason string `json:"status_reason"`
	Job    string `json:"job_id"`
}

// make asks for the model, once: the service makes another one each time. One that is there already is taken over, and so
// is one whose reply was lost.
func (d *deployment) make(ctx context.Context, base string) error {
	if err := d.find(ctx); err != nil || d.name != "" {
		d.theirs = d.name != ""
		return err
	}
	point, err := d.checkpoint(ctx)
	if err != nil {
		return err
	}
	var made custom
	order := map[string]any{"name": d.label, "base_model": base, "source": d.job + ":" + point, "description": "made by tunegate for a benchmark, and deleted after it"}
	err = d.c.send(ctx, http.MethodPost, "/models", nil, order, &made)
	d.name = made.Name
	if err == nil && (d.name == "" || d.name != printable(d.name)) {
		err = errors.New("the service gave the model no name, or one that cannot be shown")
	}
	if err == nil {
		return nil
	}
	d.name = ""
	// It may have been made all the same, also where the caller has gone.
	late, stop := context.WithTimeout(context.WithoutCancel(ctx), removeTime)
	defer stop()
	if d.find(late) != nil || d.name == "" {
		return err
	}
	if ctx.Err() != nil {
		return errors.Join(err, d.remove(ctx))
	}
	return nil
}

// find looks for a model of the label: <base>-LoRa:<label>-<random>.
func (d *deployment) find(ctx context.Context) error {
	for page, err := range pages(ctx, d.c.outlast, "/models", nil, func(m custom) string { return m.Name }) {
		if err != nil {
			return err
		}
		for _, m := range page {
			_, random, ours := strings.Cut(m.Name, "-LoRa:"+d.label+"-")
			if ours && m.Name == printable(m.Name) && !strings.Contains(random, "-") && m.Status != "error" && m.Status != "deleted" && (m.Job == "" || m.Job == d.job) {
				d.name = m.Name
				return nil
			}
		}
	}
	return nil
}

// checkpoint returns the id of the job's last checkpoint.
func (d *deployment) checkpoint(ctx context.Context) (id string, err error) {
	type checkpoint struct {
		ID   string `json:"id"`
		Step int    `json:"step_number"`
	}
	last := -1
	path, err := jobPath(d.job, "/checkpoints")
	if err != nil {
		return "", err
	}
	for page, err := range pages(ctx, d.jobs.outlast, path, nil, func(p checkpoint) string { return p.ID }) {
		if err != nil {
			return "", err
		}
		for _, p := range page {
			if p.Step > last && p.ID != "" {
				id, last = p.ID, p.Step
			}
		}
	}
	if id == "" {
		return "", errors.New("the job has no checkpoint")
	}
	return id, nil
}

// path is the model's own; its name has the vendor's before a slash.
func (d *deployment) path() string {
	parts := strings.Split(d.name, "/")
	for i := range parts {
		parts[i] = url.PathEscape(parts[i])
	}
	return "/models/" + strings.Join(parts, "/")
}

// await waits until the model answers.
func (d *deployment) await(ctx context.Context) error {
	for wait := firstWait; ; wait = min(2*wait, 10*time.Second) {
		var m custom
		if err := d.c.outlast(ctx, d.path(), nil, &m); err != nil {
			return err
		}
		switch m.Status {
		case "active":
			return nil
		case "error", "deleted":
			return fmt.Errorf("the model %s has the status %s: %s", d.name, m.Status, printable(m.Reason))
		}
		t := time.NewTimer(wait)
		select {
		case <-ctx.Done():
			t.Stop()
			return fmt.Errorf("the model %s has the status %s: %w", d.name, printable(m.Status), ctx.Err())
		case <-t.C:
		}
	}
}

// remove deletes the model; one that is gone is no error.
func (d *deployment) remove(ctx context.Context) error {
	ctx, stop := context.WithTimeout(context.WithoutCancel(ctx), removeTime)
	defer stop()
	err := persist(ctx, func() error { return d.c.send(ctx, http.MethodDelete, d.path(), nil, nil, nil) })
	var e *Error
	if err == nil || errors.As(err, &e) && e.Status == http.StatusNotFound {
		return nil
	}
	return fmt.Errorf("the model %s is still deployed: %w", d.name, err)
}
