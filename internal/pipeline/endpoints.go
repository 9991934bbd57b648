package pipeline

import (
	"crypto/rand"
	"errors"
	"fmt"
	"net"
	"net/http"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/tunegate/tunegate/internal/bench"
	"github.com/tunegate/tunegate/internal/catalog"
	"github.com/tunegate/tunegate/internal/diag"
	"github.com/tunegate/tunegate/internal/journal"
	"github.com/tunegate/tunegate/internal/localtune"
	"github.com/tunegate/tunegate/internal/manifest"
	"github.com/tunegate/tunegate/internal/openaiapi"
	"github.com/tunegate/tunegate/internal/train"
)

// endpoint is a provider that can be talked to.
type endpoint struct {
	identity string // what enters the run key: an address that stays the same from run to run
	client   *openaiapi.Client
	pace     *bench.Pace   // of all questions to it
	reach    *train.Reach  // whether it answers, for all legs
	settle   time.Duration // how long its list of jobs may lag
}

type endpoints struct {
	byName map[string]endpoint
	local  *localtune.Server
	http   *http.Server
}

// How long a service's job list may lag behind a create. A tunegate server, the only one that tunes catalog.Local, lists
// a job before it replies; its time is for a create that was still on its way when the run before died.
const (
	settleTime       = 90 * time.Second
	settleTimeServed = 2 * time.Second
)

// openEndpoints connects to the providers of the legs that are still open; the embedded engine is started if one of
// them uses it, and talked to over loopback like any other service.
func (r *run) openEndpoints(legs []*leg) (*endpoints, error) {
	e := &endpoints{byName: map[string]endpoint{}}
	var missing unset
	file := r.m.File // that names the providers
	if r.Trust != nil && r.Trust.Base != nil {
		file = r.Trust.Base.File
	}
	for _, l := range legs {
		name := l.agent.Provider
		if _, done := e.byName[name]; done || l.out.Verdict != "" {
			continue
		}
		p := r.m.Providers[name]
		place := endpoint{identity: r.identity(name), settle: settleTime, pace: new(bench.Pace), reach: new(train.Reach)}
		if l.agent.BaseModel == catalog.Local {
			place.settle = settleTimeServed
		}
		conf := openaiapi.Config{BaseURL: p.BaseURL, Agent: "tunegate/" + r.Version, Transport: r.Transport}
		if o := r.unbound(name); o.reason != "" { // no leg gets here with such a provider; the key is not even looked at
			return nil, errors.Join(errors.New(o.reason+": "+o.todo), e.close())
		}
		if p.APIKeyEnv != "" {
			if conf.Key = r.Getenv(p.APIKeyEnv); conf.Key == "" {
				if !slices.Contains(missing.providers, name) {
					missing.providers = append(missing.providers, name)
					missing.mistakes = append(missing.mistakes, diag.Finding{Rule: "missing-key", Severity: diag.Critical,
						File: file, Line: p.KeyPos.Line, Col: p.KeyPos.Col,
						Message: fmt.Sprintf("the provider %s needs a key in the variable %s, which is not set", name, p.APIKeyEnv),
						Hint:    "set it in the environment, in a workflow from a secret"})
				}
				continue
			}
		}
		if p.Kind == manifest.KindLocal {
			if e.local == nil {
				if err := e.startLocal(filepath.Join(r.State, "local")); err != nil {
					return nil, errors.Join(err, e.close())
				}
			}
			place.settle = 0
			conf.BaseURL, conf.Key = "http://"+e.http.Addr+"/v1", e.http.Handler.(keyed).key
		}
		var err error
		if place.client, err = openaiapi.New(conf); err != nil {
			return nil, errors.Join(err, e.close())
		}
		e.byName[name] = place
	}
	if len(missing.providers) > 0 {
		return nil, errors.Join(missing, e.close())
	}
	return e, nil
}

// unset is the error of providers whose keys are not there: a finding each, and a few words for each leg.
type unset struct {
	mistakes  diag.Mistakes
	providers []string
}

func (u unset) Error() string { return u.mistakes.Error() }

func (u unset) Unwrap() error { return u.mistakes }

func (u unset) brief() string {
	if len(u.providers) > 1 {
		return fmt.Sprintf("the keys for %s are not set", strings.Join(u.providers, " and "))
	}
	return fmt.Sprintf("the key for %s is not set", u.providers[0])
}

// keyed remembers the key of a server that was made for this process alone.
type keyed struct {
	*localtune.Server
	key string
}

// startLocal serves the engine on a loopback port of its own; its key keeps other users of the machine out.
func (e *endpoints) startLocal(state string) error {
	key := rand.Text()
	s, err := localtune.Open(state, localtune.Options{Key: key})
	if errors.Is(err, journal.ErrLocked) {
		return fmt.Errorf("%w: wait for it, or give this run a --state folder of its own", err)
	}
	if err != nil {
		return err
	}
	e.local = s
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return fmt.Errorf("listening on loopback: %w", err)
	}
	e.http = &http.Server{Addr: listener.Addr().String(), Handler: keyed{s, key}, ReadHeaderTimeout: 10 * time.Second}
	go func() { _ = e.http.Serve(listener) }() // ends with close
	return nil
}

func (e *endpoints) close() error {
	var errs []error
	if e.http != nil {
		errs = append(errs, e.http.Close())
	}
	if e.local != nil {
		errs = append(errs, e.local.Close())
	}
	return errors.Join(errs...)
}
