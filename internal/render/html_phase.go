package render

import (
	"fmt"

	"github.com/tunegate/tunegate/internal/report"
)

// shownPhases is how many phases of a leg the page shows.
const shownPhases = 10

// phases writes how a leg was tuned and measured.
func (p *htmlPage) phases(all []report.Phase) {
	if len(all) == 0 {
		return
	}
	p.add("<details><summary>How it was tuned and measured</summary>\n")
	for i := range all[:min(len(all), shownPhases)] {
		p.phase(&all[i])
	}
	p.add("</details>\n")
}

// phase writes one fine-tune and its benchmark. A line without a fact stays blank.
func (p *htmlPage) phase(f *report.Phase) {
	p.add(`<dl class="phase">`, "\n", fact("Phase", quoted(f.Name)+", "+escaped(plural(f.Examples, "example"))), "\n")
	if f.Job != "" {
		p.add(fact("Job", quoted(f.Job)))
	}
	p.add("\n")
	if f.Status != "" {
		p.add(fact("Status", jobStatus(f)))
	}
	p.add("\n")
	if f.Finish != nil {
		p.add(fact("Expected", clockTime(*f.Finish)))
	}
	p.add("\n")
	if f.Model != "" {
		p.add(fact("Model", quoted(f.Model)))
	}
	p.add("\n")
	if f.TrainedTokens != 0 {
		p.add(fact("Trained on", escaped(plural(int(f.TrainedTokens), "token"))))
	}
	p.add("\n")
	if f.FinalLoss != nil {
		p.add(fact("Final loss", escaped(fmt.Sprintf("%.4g", *f.FinalLoss))))
	}
	p.add("\n")
	if d := f.Decision; d != nil && d.N != 0 {
		p.add(fact("Base → tuned", figure(score(d.Base))+" → "+figure(score(d.Tuned))+", "+figure(tightEvidence(d))))
	}
	p.add("\n")
	if b := f.Benchmark; b != nil {
		p.add(fact("Asked", askedTests(b)), fact("Grader", quoted(b.Grader)))
	}
	p.add("\n")
	for _, job := range f.Extra[:min(len(f.Extra), 10)] {
		p.add(fact("Cancelled", quoted(job)+", a second job of the same fine-tune"))
	}
	p.add("\n", fact("Cost", escaped(dollars(f.CostUSD))), "\n</dl>")
}

// fact is a line of a list of facts.
func fact(name, what markup) markup { return `<div><dt>` + name + `</dt><dd>` + what + `</dd></div>` }

// jobStatus says what became of a phase's job.
func jobStatus(f *report.Phase) markup {
	s := quoted(f.Status)
	if f.ErrorCode != "" {
		s += " (" + quoted(f.ErrorCode) + ")"
	}
	if f.Attempt > 1 {
		s += ", attempt " + value(f.Attempt)
	}
	if f.Job != "" && f.Launched == 0 {
		s += ", reused"
	}
	return s
}

// askedTests says how much of a benchmark the models were asked.
func askedTests(b *report.Benchmark) markup {
	s := escaped(plural(b.Asked, "test")) + " of " + escaped(thousands(int64(b.Available)))
	if b.Repeats > 1 {
		s += ", each " + value(b.Repeats) + " times"
	}
	if b.LeftOut != 0 {
		s += ", " + value(b.LeftOut) + " left out"
	}
	if b.Failed != 0 {
		s += ", " + value(b.Failed) + " without an answer"
	}
	if b.Cached != 0 {
		s += ", " + escaped(plural(b.Cached, "answer")) + " of the base from before"
	}
	return s
}
