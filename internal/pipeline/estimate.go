package pipeline

import (
	"github.com/tunegate/tunegate/internal/catalog"
	"github.com/tunegate/tunegate/internal/cost"
	"github.com/tunegate/tunegate/internal/localtune/engine"
	"github.com/tunegate/tunegate/internal/manifest"
	"github.com/tunegate/tunegate/internal/suite"
	"github.com/tunegate/tunegate/internal/tokens"
)

// Sizes of the phases before the full one.
const (
	trialExamples  = 100
	sampleExamples = 10_000
)

// plan lays out the phases and estimates them. Every test may have to be asked, of both arms.
func (l *leg) plan(m *manifest.Manifest) {
	stats := l.audit.Files[0]
	n := len(stats.PerExample)
	l.phases = nil
	if m.Profile == manifest.Thorough {
		if n > trialExamples {
			l.phases = append(l.phases, phase{name: "trial", examples: trialExamples})
		}
		if n > sampleExamples {
			l.phases = append(l.phases, phase{name: "sample", examples: sampleExamples})
		}
	}
	l.phases = append(l.phases, phase{name: "full", examples: n})
	known, _ := catalog.Lookup(l.agent.BaseModel)
	tests := l.tests.Order(uint64(l.agent.Seed))
	tests = tests[:min(len(tests), most(m.Benchmark))]
	for i := range l.phases {
		p := &l.phases[i]
		for _, t := range stats.PerExample[:p.examples] {
			if known.TrainingContext > 0 {
				t = min(t, int32(known.TrainingContext)) // the service cuts longer examples off
			}
			p.tokens += int64(t)
		}
		p.epochs = l.epochs(m, p.examples, n)
		p.tokens *= int64(p.epochs)
		p.hours = cost.Hours(l.agent.BaseModel, p.tokens)
		if l.price != nil {
			p.trainingUSD = cost.Training(*l.price, p.tokens)
			p.benchmarkUSD = l.asking(m, tests, l.agent.Grader)
			if i == len(l.phases)-1 {
				for _, g := range l.guards {
					p.guardsUSD += l.asking(m, g.tests, g.Grader)
				}
			}
		}
		l.estimate.TrainingUSD += p.trainingUSD
		l.estimate.BenchmarkUSD += p.benchmarkUSD + p.guardsUSD
	}
}

// epochs are how often a phase passes over its examples. Automatic ones follow from all n examples of the agent for a
// service, so that the trial tries the recipe of the full phase; the embedded engine knows best what suits each size.
func (l *leg) epochs(m *manifest.Manifest, examples, n int) int {
	switch {
	case l.agent.Epochs > 0:
		return l.agent.Epochs
	case m.Providers[l.agent.Provider].Kind == manifest.KindLocal:
		return engine.AutoEpochs(examples)
	}
	return catalog.AutoEpochs(n)
}

// tokensOf estimates what one arm is asked and answers with these tests.
func (l *leg) tokensOf(tests []suite.Test) (asked, answered int64) {
	encoding, err := tokens.Load(catalog.Encoding(l.agent.BaseModel))
	if err != nil {
		return 0, 0 // read has loaded it before
	}
	c := encoding.NewCounter(int64(len(tests)) << 8) // most tests are short
	for _, t := range tests {
		asked += tokens.PerExample
		for _, msg := range t.Input {
			asked += int64(tokens.PerMessage + c.CountString(msg.Role) + c.CountString(msg.Content))
		}
		answered += int64(c.CountString(t.Ideal[0]))
	}
	return asked, answered
}

// most is how many tests a benchmark may ask.
func most(b manifest.Benchmark) int {
	switch {
	case b.Stop == manifest.StopQuick:
		return b.Quick
	case b.Full == 0:
		return 1 << 30
	}
	return b.Full
}
