package train

import "time"

// Event is one record of a leg's journal.
type Event struct {
	Time          time.Time `json:"time"`
	Kind          Kind      `json:"kind"`
	Key           Key       `json:"key"`
	Attempt       int       `json:"attempt,omitempty"`
	Job           string    `json:"job,omitempty"`
	Status        Status    `json:"status,omitempty"`
	TrainedTokens int64     `json:"trained_tokens,omitempty"`
	Error         string    `json:"error,omitempty"`
}

// Kind says what an Event records.
type Kind string

const (
	// Intent: a create for this attempt is about to be sent.
	Intent Kind = "intent"
	// Launched: the provider has the job, by its reply or because Find shows it.
	Launched Kind = "launched"
	// Adopted: a job that another run, or an earlier one without this journal, has created is followed.
	Adopted Kind = "adopted"
	// Refusal: the provider answered that it made no job.
	Refusal Kind = "refused"
	// Unseen: no job appeared for the intent within the settling time.
	Unseen Kind = "unseen"
	// Extra: a second live job of the same key was cancelled.
	Extra Kind = "extra"
	// Ended: the job reached a final state.
	Ended Kind = "ended"
)

// history is what the journal says about one key.
type history struct {
	open     int    // attempt of an intent whose outcome is not known, 0 when there is none
	attempts int    // highest attempt that made a job
	job      string // last job known to have been launched or adopted
	ended    string // last job seen to end
}

func read(past []Event, key Key) history {
	var h history
	for _, e := range past {
		if e.Key != key {
			continue
		}
		switch e.Kind {
		case Intent:
			h.open = e.Attempt
		case Launched:
			h.open, h.job, h.attempts = 0, e.Job, max(h.attempts, e.Attempt)
		case Adopted:
			h.job, h.attempts = e.Job, max(h.attempts, e.Attempt)
		case Refusal, Unseen:
			h.open = 0
		case Ended:
			h.ended = e.Job
		}
	}
	return h
}

// WasLaunched reports whether the journal knows a job of the key, or a create whose outcome it does not know.
func WasLaunched(past []Event, key Key) bool {
	h := read(past, key)
	return h.job != "" || h.open > 0
}
