// Package train takes one fine-tune through its life at a provider: find, launch once, poll, done. It declares
// what a provider must offer and knows no wire format; what a run key is and when a job may be created is decided
// here and nowhere else.
package train

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"io"
	"time"
)

// Spec is all that a provider is told about a fine-tune. The fields up to Validation determine the model and so
// the Key; Agent and Attempt only label the job.
type Spec struct {
	Endpoint     string  `json:"endpoint"`      // which service, such as "local" or a base URL; an address that changes from run to run is none
	Model        string  `json:"model"`         // the base model
	Method       string  `json:"method"`        // "supervised"
	Epochs       int     `json:"epochs"`        // 0: the provider chooses
	BatchSize    int     `json:"batch_size"`    // 0: the provider chooses
	LearningRate float64 `json:"learning_rate"` // multiplier; 0: the provider chooses
	Seed         int64   `json:"seed"`
	Training     string  `json:"training"`   // SHA-256 of the normalised training data
	Validation   string  `json:"validation"` // likewise, "" for none

	Agent   string `json:"-"`
	Attempt int    `json:"-"` // from 1
}

// Key names a fine-tune by all that determines it: equal keys, equal models. It is 64 hexadecimal digits.
type Key string

// Key returns the SHA-256 of the spec's determining fields as JSON.
func (s Spec) Key() Key {
	b, err := json.Marshal(s)
	if err != nil {
		panic(err) // no field can fail: strings, integers and finite floats, which the manifest has checked
	}
	sum := sha256.Sum256(b)
	return Key(hex.EncodeToString(sum[:]))
}

// Label returns the name that a job and its model bear at the provider: the agent's name and the key's first
// 12 digits, 40 bytes at most, since some services take no longer suffix.
func (s Spec) Label() string {
	const digits = 12
	name := s.Agent
	if most := 40 - 1 - digits; len(name) > most {
		name = name[:most]
	}
	return name + "-" + string(s.Key()[:digits])
}

// Status is where a job stands. Anything that a provider says beyond these is Unknown, which is not final.
type Status string

// The states of a job.
const (
	Created    Status = "created"
	Validating Status = "validating"
	Queued     Status = "queued"
	Running    Status = "running"
	Succeeded  Status = "succeeded"
	Failed     Status = "failed"
	Cancelled  Status = "cancelled"
	Unknown    Status = "unknown"
)

// Final reports whether the job will not change any more.
func (s Status) Final() bool { return s == Succeeded || s == Failed || s == Cancelled }

// Job is a provider's fine-tuning job.
type Job struct {
	ID              string
	Key             Key // as the job bears it; may be empty on a service without metadata
	Attempt         int
	Status          Status
	CreatedAt       time.Time
	FinishedAt      time.Time // zero while it is not final
	EstimatedFinish time.Time // zero: the provider does not say
	Model           string    // the tuned model, once succeeded
	TrainedTokens   int64     // what is billed, once succeeded
	Code            string    // the service's word for why it failed; may be empty
	Error           string    // the same, as a sentence
}

// Metric is one point of a job's training, in order of Step.
type Metric struct {
	Step       int     `json:"step"`
	TotalSteps int     `json:"total_steps"`
	TrainLoss  float64 `json:"train_loss"`
	ValidLoss  float64 `json:"valid_loss,omitempty"` // 0: not measured at this step
}

// File is a file to upload. Open may be called several times; each reader yields the same Size bytes, whose
// SHA-256 is Digest.
type File struct {
	Name   string
	Digest string
	Size   int64
	Open   func() (io.ReadCloser, error)
}

var (
	// ErrRefused is wrapped by an error of Start when the service answered that it made no job.
	ErrRefused = errors.New("refused")
	// ErrLag is what Launch.Waiting is told when a job may have been made that the provider's list does not show yet.
	ErrLag = errors.New("the list of jobs may lag")
	// ErrNotFound is wrapped by an error of Poll or Cancel when the service has no such job.
	ErrNotFound = errors.New("no such job")
)

// Busy is in the chain of an error of Start when the service made no job because it has no room for one now: too many
// are running, or too many were made today. Another try may succeed later.
type Busy struct {
	After time.Duration // how long the service asks to wait; 0: it does not say
	Err   error
}

func (b *Busy) Error() string { return b.Err.Error() }

func (b *Busy) Unwrap() []error { return []error{ErrRefused, b.Err} }

// Permanent marks an error of a provider that every further try would meet again, such as a wrong key. Others but
// ErrNotFound and ErrRefused are taken to pass. A nil error stays nil.
func Permanent(err error) error {
	if err == nil {
		return nil
	}
	return permanent{err}
}

type permanent struct{ error }

func (p permanent) Unwrap() error { return p.error }

func passes(err error) bool {
	return !errors.As(err, new(permanent)) && !errors.Is(err, ErrNotFound) && !errors.Is(err, ErrRefused)
}

// Provider is a service that fine-tunes. All methods but Start may be called again after an error.
type Provider interface {
	// Upload makes the file available and returns its id; a file of the same name and size is not sent again.
	Upload(ctx context.Context, f File) (id string, err error)
	// Start creates a job that bears the spec's key, attempt and label. It sends one request and never repeats it.
	// An error that does not wrap ErrRefused leaves open whether the job exists.
	Start(ctx context.Context, s Spec, training, validation string) (jobID string, err error)
	// Find returns every job that bears the key, in any state and order. The list may lag behind Start.
	Find(ctx context.Context, key Key) ([]Job, error)
	// Poll returns the job as it stands.
	Poll(ctx context.Context, jobID string) (Job, error)
	// Cancel asks for the end of a job; cancelling a final one is no error.
	Cancel(ctx context.Context, jobID string) error
}

// Watcher is what a provider may offer besides: the metrics of a job, oldest first, from the step after `after`.
type Watcher interface {
	Metrics(ctx context.Context, jobID string, after int) ([]Metric, error)
}

// Deployer is what a provider may offer besides whose tuned models must be deployed before they answer.
type Deployer interface {
	// Deploy makes the model of a succeeded job answer, and returns the name to ask it by. The label names what is
	// deployed: what is there under it is shared, and remove is nil, since another run may be asking it. Otherwise, once it
	// has returned without an error, remove must be called, and called again after an error; it works after ctx has ended,
	// too. Where models answer by themselves, Deploy returns the job's model, and remove does nothing.
	Deploy(ctx context.Context, j Job, base, label string) (model string, remove func() error, err error)
}
