package grade

import (
	"context"
	"errors"
	"time"

	"github.com/tunegate/tunegate/internal/suite"
)

// Options describe a grader, as a manifest holds it. An option that a grader does not know is refused.
type Options struct {
	Name      string
	Pattern   string        // of regex
	Threshold float64       // of token-f1 and embedding, 0 to 1: from here on an answer is right; 0: the value itself is the score
	Model     string        // that embeds or judges
	Rubric    string        // what a judge goes by
	Votes     int           // of a judge: odd, at most 15; 0 means 3
	Command   []string      // the program that scores, with its arguments
	Timeout   time.Duration // of a program: so much computing, and twice that by the clock; 0 means 3 s for code, 10 s for a command
}

// mostVotes bounds what a judge may cost, and mostTime how long a program may hold things up.
const (
	mostVotes = 15
	mostTime  = 10 * time.Minute
)

// Takes lists the options that the grader of that name knows, and those of them that it cannot do without. A list of options
// is by their names in a manifest.
func Takes(name string) (known, needed []string) {
	m, _ := methodOf(name)
	return m.takes, m.needs
}

// OptionNames lists all options by their names in a manifest.
func OptionNames() []string {
	return []string{"pattern", "threshold", "model", "rubric", "votes", "command", "timeout"}
}

// Given lists the options that were set.
func (o Options) Given() (names []string) {
	set := []bool{o.Pattern != "", o.Threshold != 0, o.Model != "", o.Rubric != "", o.Votes != 0, len(o.Command) > 0, o.Timeout != 0}
	for i, name := range OptionNames() {
		if set[i] {
			names = append(names, name)
		}
	}
	return names
}

func (o Options) check() error {
	switch {
	case !(o.Threshold >= 0 && o.Threshold <= 1):
		return errors.New("the threshold is a number from 0 to 1")
	case o.Votes < 0 || o.Votes > mostVotes || o.Votes != 0 && o.Votes%2 == 0:
		return errors.New("votes are an odd number up to 15, so that there is a majority")
	case o.Timeout < 0 || o.Timeout > mostTime:
		return errors.New("the timeout is at most 10 minutes")
	case len(o.Command) > 0 && o.Command[0] == "":
		return errors.New("the command has no name")
	}
	return nil
}

// Means are what a grader may use that does more than read. The zero value allows nothing.
type Means struct {
	// Ask puts messages to a model and returns its answer. vote counts from 0 and tells apart the same question asked
	// several times, for a cache or a seed.
	Ask func(ctx context.Context, model string, messages []suite.Message, vote int) (string, error)
	// Embed returns a vector for each text, all of one length.
	Embed func(ctx context.Context, model string, texts []string) ([][]float64, error)
	// AllowCommands lets programs run: a model's own (code) and the manifest's (command), both contained.
	AllowCommands bool
	// Dir is the folder, absolute, that a command runs in and may read; empty: none.
	Dir string
}

// With returns the grader with these means. Its copies share the limit on how many programs run at once.
func (g Grader) With(m Means) Grader {
	g.means = m
	if m.AllowCommands && (g.o.Name == "code" || g.o.Name == "command") {
		g.shop = newWorkshop()
	}
	return g
}

// Skipped says why a grader does not grade here at all. What it was to grade has no score and has not passed.
type Skipped struct{ Reason string }

func (s *Skipped) Error() string { return "not graded: " + s.Reason }

// Ready reports, as a *Skipped, why this grader could grade nothing here, so that it is known before a model is asked. For
// one that runs programs it tries whether they can be contained, once.
func (g Grader) Ready(ctx context.Context) error {
	switch g.o.Name {
	case "embedding":
		if g.means.Embed == nil {
			return &Skipped{"no service is at hand that embeds texts"}
		}
	case "judge", "judge-pair":
		if g.means.Ask == nil {
			return &Skipped{"no service is at hand that the judge could be asked at"}
		}
	case "code", "command":
		if !g.means.AllowCommands || g.shop == nil {
			return &Skipped{"the grader " + g.o.Name + " runs programs, which is not allowed here"}
		}
		if _, err := g.shop.open(ctx); err != nil {
			return err
		}
		if g.o.Name == "code" {
			return g.shop.python(ctx)
		}
	}
	return nil
}
