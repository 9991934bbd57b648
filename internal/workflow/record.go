package workflow

import (
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/tunegate/tunegate/internal/gate"
	"github.com/tunegate/tunegate/internal/manifest"
	"github.com/tunegate/tunegate/internal/report"
)

// pendingArtifact holds a record of what a run leaves pending, in pendingFile.
const (
	pendingArtifact = "tunegate-pending"
	pendingFile     = "pending.json"
)

// record is what a later run needs to go on with this one. It is believed only from a run on the default branch of this
// repository, and only as long as the commit's status is pending, by the run that wrote it or a later one: one that is replayed
// finds a settled status, or launches nothing twice.
type record struct {
	Schema   int    `json:"schema"` // 1
	Run      int64  `json:"run"`
	Pull     int    `json:"pull,omitempty"`
	SHA      string `json:"sha"`
	BaseRef  bool   `json:"base"` // whether another commit's manifest is trusted
	Manifest string `json:"manifest,omitempty"`
	Profile  string `json:"profile,omitempty"`
	Legs     string `json:"legs,omitempty"` // that may be launched; empty: all
	Spends   bool   `json:"spends"`         // whether the run was allowed to launch
	Since    int64  `json:"since"`          // Unix time
	Jobs     []Job  `json:"jobs"`
}

// Job is a fine-tune that a run waits for.
type Job struct {
	Leg      string `json:"leg"`
	Provider string `json:"provider"`
	ID       string `json:"job"` // empty: none was created, for want of a place
	Key      string `json:"run_key"`
}

const (
	recordLimit = 1 << 20 // bytes
	recordLife  = 30 * 24 * time.Hour
)

// jobsOf lists the fine-tunes that a report waits for.
func jobsOf(doc report.Report) (jobs []Job) {
	for _, l := range doc.Legs {
		if l.Verdict != gate.Pending {
			continue
		}
		j := Job{Leg: l.ID, Provider: l.Provider}
		if p := l.Last(); p != nil && p.Status != report.Untuned {
			j.ID, j.Key = p.Job, p.Key
		}
		jobs = append(jobs, j)
	}
	return jobs
}

// readRecord reads a record as bounded as the program writes it.
func readRecord(body []byte) (r record, err error) {
	if len(body) == 0 || len(body) > recordLimit {
		return r, errors.New("no record of what is pending, or one that is too long")
	}
	if err := json.Unmarshal(body, &r); err != nil {
		return r, fmt.Errorf("reading what is pending: %w", err)
	}
	o := r.order()
	text, _ := json.Marshal(o.Outputs())
	if _, err := ReadOrder(string(text)); err != nil {
		return r, fmt.Errorf("reading what is pending: %w", err)
	}
	if r.Schema != 1 || r.Run <= 0 || r.Pull < 0 || len(r.Jobs) > 256 {
		return r, errors.New("reading what is pending: not a record that this program writes")
	}
	for _, j := range r.Jobs {
		if !manifest.IsName(j.Leg) || !manifest.IsName(j.Provider) || len(j.ID) > 1000 || len(j.Key) > 1000 {
			return r, errors.New("reading what is pending: not a record that this program writes")
		}
	}
	return r, nil
}

// order is what is to be done when the fine-tunes have ended, without the trusted commit.
func (r record) order() Order {
	o := Order{Do: Reuse, Pull: r.Pull, SHA: r.SHA, Profile: r.Profile, Manifest: r.Manifest, Since: r.Since}
	if r.Spends {
		o.Do = Resume
	}
	if r.Legs != "" {
		o.Legs = splitLegs(r.Legs)
	}
	return o
}
