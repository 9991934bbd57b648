package train

import (
	"context"
	"testing"
	"testing/synctest"
	"time"
)

// stale is a provider whose list shows an older job under way that has failed, beside a younger one that trains.
type stale struct {
	Provider
	began     time.Time
	cancelled []string
}

func (s *stale) Find(_ context.Context, key Key) ([]Job, error) {
	job := Job{Key: key, Attempt: 1, Status: Running, CreatedAt: s.began}
	older, younger := job, job
	older.ID, younger.ID = "older", "younger"
	younger.CreatedAt = s.began.Add(time.Minute)
	return []Job{older, younger}, nil
}

func (s *stale) Poll(_ context.Context, id string) (Job, error) {
	j := Job{ID: id, Key: testSpec.Key(), Attempt: 1, Status: Running, CreatedAt: s.began}
	switch {
	case id == "older":
		j.Status = Failed
	case time.Since(s.began) > time.Hour:
		j.Status, j.Model = Succeeded, "m"
	}
	return j, nil
}

func (s *stale) Cancel(_ context.Context, id string) error {
	s.cancelled = append(s.cancelled, id)
	return nil
}

// No job is cancelled for one that only a list that lags shows as live.
func TestNothingIsCancelledForAFailedJob(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &stale{began: time.Now()}
		state, err := Advance(t.Context(), Launch{Provider: s, Spec: testSpec, Settle: 90 * time.Second, Record: func(Event) error { return nil }})
		if err != nil || state.Job.ID != "younger" || state.Job.Status != Succeeded || len(s.cancelled) > 0 {
			t.Errorf("%+v, %v, cancelled %q", state, err, s.cancelled)
		}
	})
}
