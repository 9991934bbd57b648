package report

import "time"

// Stage is a stretch of a leg's way through a run: where its time went, and beside what.
type Stage struct {
	Name    string    `json:"name"`            // audit, wait (for other legs, or for a place), launch, queue, train, deploy, benchmark, advise
	Phase   string    `json:"phase,omitempty"` // from launch to benchmark
	Began   time.Time `json:"began"`           // UTC
	Seconds float64   `json:"seconds"`
}

// Loss is what a fine-tune said of itself after a step.
type Loss struct {
	Step  int      `json:"step"`
	Train float64  `json:"train"`
	Valid *float64 `json:"valid,omitempty"` // nil: not measured at this step
}

// Lengths are those of the training examples. Percentiles are nearest-rank.
type Lengths struct {
	Unit string `json:"unit"` // tokens, by the chat rule, or bytes
	Min  int    `json:"min"`
	P50  int    `json:"p50"`
	P90  int    `json:"p90"`
	P99  int    `json:"p99"`
	Max  int    `json:"max"`
	Bins []Bin  `json:"bins"` // ascending, without gaps; the last one holds the tail
}

// Bin is how many examples are From to To long, both included.
type Bin struct {
	From     int `json:"from"`
	To       int `json:"to"`
	Examples int `json:"examples"`
}

// Answers is how the training examples are spread over the answers that several of them share.
type Answers struct {
	Different int         `json:"different"` // answers
	Examples  int         `json:"examples"`  // with one of them
	Most      []Frequency `json:"most"`      // the most frequent first, fifty at most
}

// Frequency is an answer with the number of examples that have it.
type Frequency struct {
	Answer   string `json:"answer"`
	Examples int    `json:"examples"`
}
