package pipeline

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"slices"
	"time"

	"github.com/tunegate/tunegate/internal/gate"
	"github.com/tunegate/tunegate/internal/grade"
	"github.com/tunegate/tunegate/internal/localtune/engine"
	"github.com/tunegate/tunegate/internal/manifest"
	"github.com/tunegate/tunegate/internal/report"
	"github.com/tunegate/tunegate/internal/suite"
)

// judging is raised whenever the same answers would be judged differently from before, by graders, by the gate or by what is left out
// of a benchmark, so that no earlier result stands for a later one.
const judging = 1

// inputs is the digest of all that determines the leg's result: the run keys of its phases, the tests that are asked, with their
// ids and in their order, the grader and the files that its command names, how many tests are asked and when that stops, and what the
// gate asks for. The names of agents, providers and files do not count, nor do prices, budget and the program's version. It
// needs no network. The leg has been identified.
func (r *run) inputs(l *leg) (string, error) {
	type fineTune struct{ Phase, Key string }
	type guarded struct {
		Tests   string
		Grader  grade.Options
		MaxLoss float64
	}
	all := struct {
		Judging   int
		Profile   manifest.Profile
		Phases    []fineTune
		Tests     string
		Tasks     []string
		Grader    grade.Options
		Files     []string
		Benchmark manifest.Benchmark
		Gate      manifest.Gate
		Guards    []guarded
		Seed      int
	}{Judging: judging, Profile: r.m.Profile, Tests: l.tests.Digest(), Grader: l.agent.Grader, Benchmark: r.m.Benchmark, Gate: l.agent.Gate, Seed: l.agent.Seed}
	for _, p := range l.phases {
		all.Phases = append(all.Phases, fineTune{p.name, string(l.spec(p, r.identity(l.agent.Provider)).Key())})
	}
	all.Gate.Guards = nil // whose names and paths do not count
	for _, g := range l.guards {
		all.Guards = append(all.Guards, guarded{suite.Suite{Tests: g.tests}.Digest(), g.Grader, g.MaxLoss})
	}
	if l.tasks != nil {
		for _, x := range l.tasks.Instances {
			all.Tasks = append(all.Tasks, x.Hash())
		}
	}
	for _, word := range l.agent.Grader.Command {
		content, err := commandFile(r.graderDir(), word)
		if err != nil {
			return "", err
		}
		sum := sha256.Sum256(content)
		all.Files = append(all.Files, hex.EncodeToString(sum[:]))
	}
	text, err := json.Marshal(all)
	if err != nil {
		return "", err
	}
	sum := sha256.Sum256(text)
	return hex.EncodeToString(sum[:]), nil
}

// identity is what a provider is in the run key: an address that stays the same from run to run.
func (r *run) identity(provider string) string {
	p := r.m.Providers[provider]
	if p.Kind == manifest.KindLocal {
		return manifest.LocalProvider + "/" + engine.Version
	}
	return p.BaseURL
}

// stands returns an earlier result of equal inputs that may be taken for the leg's: a pass, a fail, or an inconclusive one that was
// asked all of the tests, each answered. What a grader's command reads besides the files that it names is not known, so its result never stands.
func (r *run) stands(l *leg) (report.Leg, bool) {
	known, ok := r.known[l.out.Inputs]
	if !ok || l.out.Inputs == "" || known.Inputs != l.out.Inputs || len(l.agent.Grader.Command) > 0 {
		return known, false
	}
	p := known.Last()
	if p == nil || p.Decision == nil || p.Benchmark == nil || p.Decision.Verdict != known.Verdict {
		return known, false
	}
	switch known.Verdict {
	case gate.Pass, gate.Fail:
		return known, true
	case gate.Inconclusive:
		return known, p.Benchmark.Failed == 0 && p.Benchmark.Asked >= min(len(l.tests.Tests), most(r.m.Benchmark))
	}
	return known, false
}

// carry takes an earlier result over as the leg's own. Nothing is launched for it, nothing asked, and it costs nothing.
func (r *run) carry(l *leg, known report.Leg) {
	out := &l.out
	remarks := out.Reasons
	out.Verdict, out.Next, out.Advice = known.Verdict, known.Next, known.Advice
	out.Phases = slices.Clone(known.Phases)
	for i := range out.Phases {
		p := &out.Phases[i]
		p.Launched, p.CostUSD, p.TrainSeconds, p.Extra = 0, 0, 0, nil
	}
	const why = "judged before, on equal inputs: nothing was launched and no question asked"
	out.Reasons = append(slices.Clone(known.Reasons), remarks...)
	if !slices.Contains(out.Reasons, why) {
		out.Reasons = append(out.Reasons, why)
	}
	out.Carried, l.apart = true, true
	out.Seconds = time.Since(l.began).Seconds()
	r.tell(Event{Leg: out.ID, Stage: Finished, Text: string(out.Verdict) + ": " + why, Verdict: out.Verdict})
}
