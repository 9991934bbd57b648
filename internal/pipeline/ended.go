package pipeline

import (
	"context"
	"errors"
	"fmt"

	"github.com/tunegate/tunegate/internal/manifest"
	"github.com/tunegate/tunegate/internal/train"
)

// Ended asks a provider of the manifest whether a job has ended, whatever became of it. One that the provider does not have any more
// has. The embedded engine's jobs end with the process that runs them.
func Ended(ctx context.Context, m *manifest.Manifest, o Options, provider, job string) (ended bool, err error) {
	r, err := o.begin(m)
	if err != nil {
		return false, err
	}
	p, known := r.m.Providers[provider]
	if !known {
		return false, fmt.Errorf("the manifest has no provider %s any more, which knows of job %s", provider, job)
	}
	if p.Kind == manifest.KindLocal {
		return true, nil
	}
	if why := r.unbound(provider); why.reason != "" {
		return false, errors.New(why.reason)
	}
	places, err := r.openEndpoints([]*leg{{agent: manifest.Agent{Provider: provider}}})
	if err != nil {
		return false, err
	}
	defer func() { err = errors.Join(err, places.close()) }()
	ctx, stop := context.WithTimeout(ctx, statusTime)
	defer stop()
	found, err := places.byName[provider].client.Poll(ctx, job)
	if errors.Is(err, train.ErrNotFound) {
		return true, nil
	}
	if err != nil {
		return false, fmt.Errorf("asking %s for job %s: %w", provider, job, err)
	}
	return found.Status.Final(), nil
}
