package pipeline

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"github.com/tunegate/tunegate/internal/train"
)

// errTooLate is wrapped when budget.max_hours is over before a fine-tune was launched.
var errTooLate = errors.New("past the deadline")

// inTime refuses when what the run is about has lasted longer than its budget allows.
func (r *run) inTime() error {
	if r.deadline.IsZero() || time.Now().Before(r.deadline) {
		return nil
	}
	return fmt.Errorf("%w: %s", errTooLate, r.overdue())
}

func (r *run) overdue() string {
	return fmt.Sprintf("budget.max_hours, %g, after the first launch have passed", *r.m.Budget.MaxHours)
}

// readClock has budget.max_hours count from the first launch of the same fine-tunes, by whichever run: one that is called
// again every hour does not begin anew each time. Another set of run keys has a clock of its own.
func (r *run) readClock(legs []*leg) {
	if r.deadline.IsZero() {
		return
	}
	h := sha256.New()
	for _, l := range legs {
		if l.out.Verdict != "" {
			continue
		}
		for _, p := range l.phases {
			fmt.Fprintln(h, l.out.ID, l.launch(p, r.places.byName[l.agent.Provider]).Spec.Key())
		}
	}
	r.clock = filepath.Join(r.State, "clock", fmt.Sprintf("%.16x", h.Sum(nil)))
	text, err := os.ReadFile(r.clock)
	if err != nil {
		return
	}
	if first, err := time.Parse(time.RFC3339, string(text)); err == nil {
		if earlier := first.Add(time.Duration(*r.m.Budget.MaxHours * float64(time.Hour))); earlier.Before(r.deadline) {
			r.deadline = earlier
		}
	}
}

// startClock records that this run is the first to launch something, unless another was.
func (r *run) startClock() error {
	if r.clock == "" {
		return nil
	}
	err := os.MkdirAll(filepath.Dir(r.clock), 0o755)
	if err == nil {
		var f *os.File
		if f, err = os.OpenFile(r.clock, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o644); err == nil {
			_, err = f.WriteString(r.began.UTC().Format(time.RFC3339))
			err = errors.Join(err, f.Close())
		}
	}
	if err != nil && !errors.Is(err, fs.ErrExist) {
		return fmt.Errorf("recording when the first launch was: %w", err)
	}
	return nil
}

// underWay reports whether a job of the phase is under way at the provider, so far as it says so at once.
func (r *run) underWay(ctx context.Context, l *leg, p phase, past []train.Event) bool {
	launch := l.launch(p, r.places.byName[l.agent.Provider])
	launch.Past, launch.Until, launch.Reach = past, time.Now(), nil // a service that fails now is asked again by the leg
	jobs, err := train.Jobs(ctx, launch)
	return err == nil && len(jobs) > 0 && !jobs[0].Status.Final()
}
