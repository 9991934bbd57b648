package grade

import (
	"context"
	"errors"
	"runtime"
	"strings"
	"sync"
	"time"

	"github.com/tunegate/tunegate/internal/grade/sandbox"
)

// workshop is where programs run: contained, and not more at once than there are processors, since one that waits for its turn
// while its clock runs would seem slow.
type workshop struct {
	slots chan struct{}
	mu    sync.Mutex
	box   *sandbox.Box
	why   *Skipped // programs cannot be contained here
	tried bool     // python3 runs
}

func newWorkshop() *workshop { return &workshop{slots: make(chan struct{}, runtime.GOMAXPROCS(0))} }

// open tries once whether programs can be contained here. The error is a *Skipped, or the context's.
func (w *workshop) open(ctx context.Context) (*sandbox.Box, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.why != nil {
		return nil, w.why
	}
	if w.box != nil {
		return w.box, nil
	}
	box, err := sandbox.Open(ctx)
	var u *sandbox.Unavailable
	switch {
	case errors.As(err, &u):
		w.why = &Skipped{u.Error()}
		return nil, w.why
	case err != nil:
		return nil, err
	}
	w.box = box
	return box, nil
}

// python tries once whether there is a Python to run. The error is as that of open.
func (w *workshop) python(ctx context.Context) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.why != nil || w.tried {
		return w.err()
	}
	r, err := w.box.Run(ctx, sandbox.Program{Args: []string{"python3", "-I", "-B", "-c", "print(1)"},
		Limits: sandbox.Limits{CPU: 10 * time.Second, Clock: 30 * time.Second, Memory: codeMemory, Processes: 1}})
	switch {
	case ctx.Err() != nil:
		return ctx.Err()
	case err != nil:
		w.why = &Skipped{"the grader code needs Python: " + err.Error()}
	case strings.TrimSpace(r.Stdout) != "1":
		w.why = &Skipped{"the grader code needs Python, and python3 does not run: " + clip(r.Ended+lastLine(r.Stderr))}
	}
	w.tried = true
	return w.err()
}

func (w *workshop) err() error {
	if w.why == nil {
		return nil // and not a nil *Skipped within an error
	}
	return w.why
}

// run waits for a turn and runs a program.
func (w *workshop) run(ctx context.Context, p sandbox.Program) (sandbox.Result, error) {
	box, err := w.open(ctx)
	if err != nil {
		return sandbox.Result{}, err
	}
	select {
	case w.slots <- struct{}{}:
	case <-ctx.Done():
		return sandbox.Result{}, ctx.Err()
	}
	defer func() { <-w.slots }()
	return box.Run(ctx, p)
}
