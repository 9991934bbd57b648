package train

import (
	"context"
	"testing"
	"testing/synctest"
	"time"
)

// forgetful is a service one of whose replies is about no job, or another one.
type forgetful struct {
	*service
	at    int // of its polls; 0: none
	reply Job
}

func (f *forgetful) Poll(ctx context.Context, id string) (Job, error) {
	job, err := f.service.Poll(ctx, id)
	if f.polls == f.at {
		return f.reply, nil
	}
	return job, err
}

// One reply about something else costs neither the job nor a second one, whichever look it answers.
func TestAReplyAboutAnotherJobIsNotBelieved(t *testing.T) {
	for _, reply := range []Job{{}, {ID: "job-9", Status: Running}, {ID: "job-9", Status: Failed}, {ID: "job-9", Status: Succeeded, Model: "ft:theirs"}} {
		for at := range 8 {
			synctest.Test(t, func(t *testing.T) {
				s := &forgetful{service: &service{runs: time.Hour, lag: 30 * time.Second}, at: at, reply: reply}
				r := newRunner(s)
				r.launch.Attempts = 2
				state, err := r.advance(t)
				if err != nil || state.Job.ID != "job-1" || state.Job.Model != "ft:job-1" || s.creates != 1 || r.kinds() != "intent launched ended" {
					t.Errorf("%+v for look %d: %+v, %v, %d creates, journal %q", reply, at, state, err, s.creates, r.kinds())
				}
			})
		}
	}
}
