// Package workflow is what tunegate does around a pipeline on GitHub: it decides from an event who may spend what on which
// commit, hands that decision on to the jobs of the run, gathers what the jobs left, tells the pull request and the commit, and
// remembers what is pending for a later run. Every job of .github/workflows/pipeline.yml is one function here or in package
// pipeline. It renders nothing, and speaks with GitHub through package github alone.
//
// What it trusts: the event as GitHub sends it, the workflow's inputs, and artifacts of runs on the default branch of this
// repository. What it does not: comments, manifests and data of a pull request, artifacts of any other run.
package workflow

// Do is what a run is for. The zero value is none of them, and does nothing.
type Do string

// What a run may be for.
const (
	Nothing Do = "nothing" // not for tunegate, or all has been said already
	Audit   Do = "audit"   // audit and estimate; nothing is asked of a provider, nothing written to GitHub
	Plan    Do = "plan"    // audit and estimate, and show that
	Reuse   Do = "reuse"   // audit, estimate, and judge what has been tuned for these inputs already
	Launch  Do = "launch"  // and tune what has not been
	Resume  Do = "resume"  // go on with what an earlier run has launched
	Retry   Do = "retry"   // launch, also what failed or was cancelled
	Status  Do = "status"  // say what the providers have
	Cancel  Do = "cancel"  // end what runs there
)

// Spends tells whether the run may create fine-tunes.
func (d Do) Spends() bool { return d == Launch || d == Resume || d == Retry }

// Judges tells whether the run comes to a verdict, which the status of its commit then bears.
func (d Do) Judges() bool { return d == Reuse || d.Spends() }

// StatusContext is the name of the commit status that a branch protection asks for.
const StatusContext = "tunegate/gate"
