package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/tunegate/tunegate/internal/manifest"
	"github.com/tunegate/tunegate/internal/pipeline"
)

// readKeys reads the providers' keys, NAME=value, one a line. A mistake names the line and nothing of what stands in it.
func readKeys(text string) (map[string]string, error) {
	keys := map[string]string{}
	for i, line := range strings.Split(text, "\n") {
		line = strings.TrimSpace(line)
		if line == "" {
			continue
		}
		name, value, ok := strings.Cut(line, "=")
		if !ok || !manifest.IsVariable(name) {
			keys[fmt.Sprintf("line %d", i+1)] = line // to be masked
			return keys, usageError{fmt.Sprintf("line %d of the keys is not NAME=value", i+1), "write each key as NAME=${{ secrets.NAME }} on a line of its own; GITHUB_*, ACTIONS_*, RUNNER_* and INPUT_* are no names for one"}
		}
		if value != "" { // a secret that is not set
			keys[name] = value
		}
	}
	return keys, nil
}

// getenv finds the keys first.
func (in inputs) getenv(outer func(string) string) func(string) string {
	return func(name string) string {
		if key, ok := in.keys[name]; ok {
			return key
		}
		return outer(name)
	}
}

// secrets are what must be masked before anything is printed: the keys that were handed over, the token, and the variables that are bound
// to hosts. The keys that the manifest names are among these: none else is sent.
func (in inputs) secrets(e env) (all []string) {
	for _, key := range in.keys {
		all = append(all, key)
	}
	for _, name := range in.hosts.Variables() {
		all = append(all, e.getenv(name))
	}
	all = append(all, in.token)
	slices.Sort(all)
	return slices.Compact(all)
}

// load reads the manifest of the commit that is looked at.
func (in inputs) load(e env) (*manifest.Manifest, error) {
	var m *manifest.Manifest
	var err error
	switch {
	case len(in.files) > 0:
		return &manifest.Manifest{}, nil
	case in.checkout != "":
		m, err = in.at(in.checkout)
	case in.manifest != "":
		m, err = loadManifest(e, []string{in.manifest})
	default:
		m, err = loadManifest(e, nil)
	}
	if err == nil {
		m = in.profiled(m)
	}
	return m, err
}

// at reads the manifest in a checkout, which no path of it may leave.
func (in inputs) at(dir string) (*manifest.Manifest, error) {
	if in.manifest == "" {
		path, err := manifestAt(dir)
		if err != nil {
			return nil, err
		}
		return manifest.Load(path, dir)
	}
	if !filepath.IsLocal(in.manifest) {
		return nil, usageError{fmt.Sprintf("the input manifest is %q", in.manifest), "it is a path in the repository, such as tunegate.yaml"}
	}
	return manifest.Load(filepath.Join(dir, filepath.FromSlash(in.manifest)), dir)
}

func (in inputs) profiled(m *manifest.Manifest) *manifest.Manifest {
	profile := in.profile
	if in.order != nil && in.order.Profile != "" {
		profile = in.order.Profile
	}
	if profile == "" {
		return m
	}
	return m.As(manifest.Profile(profile))
}

// baseManifest reads the manifest of the trusted checkout; nil: it has none.
func (in inputs) baseManifest() (*manifest.Manifest, error) {
	m, err := in.at(in.base)
	var usage usageError
	if errors.Is(err, fs.ErrNotExist) || errors.As(err, &usage) && in.manifest == "" {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("the manifest of the base branch: %w", err)
	}
	return in.profiled(m), nil
}

// ownCommit tells whether what is checked out, by default, is a branch of the repository as it stands, and not a change that is still
// to be judged: of other events (pull requests, comments, merge queues, what follows another workflow) it may be one.
func ownCommit(e env) bool {
	return slices.Contains([]string{"", "push", "schedule", "workflow_dispatch"}, e.getenv("GITHUB_EVENT_NAME"))
}

// trust is what counts as trusted beside m. The base branch's manifest is handed over as a checkout; on a change without one
// nothing is trusted but the workflow; anywhere else the checkout itself is.
func (in inputs) trust(e env, m *manifest.Manifest) (*pipeline.Trust, error) {
	t := &pipeline.Trust{Base: m, AllowBenchmarkChange: in.otherBenchmark, Hosts: in.hosts}
	if in.order != nil && in.order.Base != "" && in.base == "" {
		return nil, usageError{"the order names a trusted commit, and the input base is not set", "check it out, and set base to its folder"}
	}
	var err error
	switch {
	case in.base != "":
		t.Base, err = in.baseManifest()
	case in.order == nil && !ownCommit(e):
		t.Base = nil
	}
	return t, err
}

// options are those of every command of the action. State that a pull request may bring along is not used.
func (in inputs) options(e env, m *manifest.Manifest) (pipeline.Options, error) {
	t, err := in.trust(e, m)
	return pipeline.Options{State: in.state, Legs: in.legs, Version: version(), Wait: in.wait, Attempts: 1, Getenv: e.getenv,
		AllowCommands: in.commands, Trust: t, MaxCostUSD: in.maxCost}, err
}

// apart gives a pull request's run a folder of its own for its state: in the checkout's, the pull request could have put what it likes.
func (in *inputs) apart(e env) (remove func(), err error) {
	if in.order != nil || ownCommit(e) {
		return func() {}, nil
	}
	dir, err := os.MkdirTemp(e.getenv("RUNNER_TEMP"), "tunegate-state-")
	if err != nil {
		return nil, fmt.Errorf("making a folder for the state: %w", err)
	}
	in.state = dir
	return func() { _ = os.RemoveAll(dir) }, nil
}

// local tells whether all of the legs are tuned by the embedded engine: that costs nothing, and ends with the process.
func local(m *manifest.Manifest, legs []string) bool {
	return !slices.ContainsFunc(m.Agents, func(a manifest.Agent) bool {
		return (len(legs) == 0 || slices.Contains(legs, a.Name)) && m.Providers[a.Provider].Kind != manifest.KindLocal
	})
}

// brief bounds what is done after a signal: the runner kills what is not gone ten seconds after it.
func brief(ctx context.Context) (context.Context, context.CancelFunc) {
	if ctx.Err() == nil {
		return ctx, func() {}
	}
	return context.WithTimeout(context.WithoutCancel(ctx), afterSignal)
}
