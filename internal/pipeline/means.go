package pipeline

import (
	"cmp"
	"context"
	"sync"

	"github.com/tunegate/tunegate/internal/bench"
	"github.com/tunegate/tunegate/internal/cost"
	"github.com/tunegate/tunegate/internal/grade"
	"github.com/tunegate/tunegate/internal/manifest"
	"github.com/tunegate/tunegate/internal/suite"
)

// usage is what a leg's grader has asked of models in a benchmark.
type usage struct {
	mu      sync.Mutex
	costUSD float64 // as far as the model's price is known
}

// means are what the leg's grader may use. Its judge is asked where the leg's models are, at their pace, and no question twice.
func (r *run) means(l *leg, used *usage) grade.Means {
	return grade.Means{
		AllowCommands: r.AllowCommands,
		Dir:           r.graderDir(),
		Ask: func(ctx context.Context, model string, messages []suite.Message, vote int) (string, error) {
			at := r.places.byName[l.agent.Provider]
			q := bench.Request{Model: model, Messages: messages, Repeat: vote}
			if vote > 0 {
				q.Temperature = 1 // at 0 it would be the first vote once more
			}
			answer, err := l.answers.Over(at.identity, at.pace.Over(at.client)).Complete(ctx, q)
			if price := r.m.Price(model); price != nil && !answer.Cached {
				used.mu.Lock()
				defer used.mu.Unlock()
				used.costUSD += cost.Inference(*price, int64(answer.InputTokens), int64(answer.OutputTokens))
			}
			return answer.Answer, err
		},
		Embed: func(ctx context.Context, model string, texts []string) ([][]float64, error) {
			vectors, err := r.places.byName[l.agent.Provider].client.Embed(ctx, model, texts)
			out := make([][]float64, len(vectors))
			for i, v := range vectors {
				out[i] = make([]float64, len(v))
				for k, x := range v {
					out[i][k] = float64(x)
				}
			}
			return out, err
		},
	}
}

// judges reports whether the grader asks a model that is paid by what it reads and writes. Embeddings cost next to nothing.
func judges(o grade.Options) bool { return o.Name == "judge" || o.Name == "judge-pair" }

// About what a judge reads with each vote, beside the test, the ideal and the answer, and what it writes; in tokens.
const (
	judgeReads = 300
	judgeSays  = 200
)

// judgeUSD estimates what it costs to grade the answers of one arm to so many tests, which is asked and answers so many tokens, if every
// vote is cast.
func judgeUSD(m *manifest.Manifest, o grade.Options, tests int, asked, answered int64) float64 {
	price := m.Price(o.Model)
	if !judges(o) || price == nil {
		return 0
	}
	votes := int64(cmp.Or(o.Votes, 3))
	if o.Name == "judge-pair" {
		votes *= 2
	}
	n := int64(tests)
	reads := asked + 2*answered + n*int64(judgeReads+len(o.Rubric)/4)
	return cost.Inference(*price, votes*reads, votes*n*judgeSays)
}
