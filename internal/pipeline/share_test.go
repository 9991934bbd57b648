package pipeline

import (
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/tunegate/tunegate/internal/catalog"
	"github.com/tunegate/tunegate/internal/localtune/wiretest"
	"github.com/tunegate/tunegate/internal/manifest"
	"github.com/tunegate/tunegate/internal/report"
)

// matrix runs legs of a manifest in processes of their own, side by side, which share nothing but the service.
func matrix(t *testing.T, m *manifest.Manifest, w *watched, with func(*Options), jobs ...[]string) []report.Report {
	t.Helper()
	docs := make([]report.Report, len(jobs))
	var wg sync.WaitGroup
	for i, legs := range jobs {
		o := Options{Legs: legs, State: t.TempDir(), Wait: -1, Getenv: keys, Transport: wiretest.CheckSent(t, w), Trust: &Trust{Base: m, Hosts: bound(t, "llm.example.com=ACME_API_KEY")}}
		if with != nil {
			with(&o)
		}
		wg.Go(func() {
			var err error
			if docs[i], err = Run(t.Context(), m, o); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	return docs
}

// dollar is the reference of five agents, each another fine-tune of $19.31.
func dollar(t *testing.T, budget float64) *manifest.Manifest {
	m := reference(t, 5, 200, "1", "")
	m.Prices["some-model"] = catalog.Price{TrainPerMillion: 300.06}
	m.Budget.MaxCostUSD = &budget
	for i := range m.Agents {
		m.Agents[i].Seed = i + 1
	}
	return m
}

// Five jobs of one matrix, with a budget for two and a half of them: two are launched, as one process would do, and three refuse by themselves.
func TestBudgetOfAMatrix(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := dollar(t, 50)
		w := &watched{account: account{length: time.Hour, latency: time.Second}}
		docs := matrix(t, m, w, nil, []string{"agent-4"}, []string{"agent-3"}, []string{"agent-2"}, []string{"agent-1"}, []string{"agent-0"})
		var launched []string
		spent := 0.0
		for _, doc := range docs {
			spent += doc.ReservedUSD
			if doc.Launched > 0 {
				launched = append(launched, doc.Legs[0].ID)
			} else if why := wording(doc); !strings.Contains(why, "not launched: over the budget: $19.31 more would make it $69.31 of $50.00; $50.00 of that is kept for the other legs") {
				t.Error(why)
			}
			if len(doc.Expected) != 5 || len(doc.Legs) != 1 {
				t.Errorf("a job reports %d of %d legs", len(doc.Legs), len(doc.Expected))
			}
		}
		if fmt.Sprint(launched) != "[agent-1 agent-0]" || w.made != 2 || spent > 50 || spent < 38.6 {
			t.Errorf("launched %v for $%.2f, %d jobs were made", launched, spent, w.made)
		}
		p, err := MakePlan(t.Context(), m, Options{Getenv: keys})
		if err != nil || fmt.Sprint(p.Matrix.Include) != "[{agent-0} {agent-1}]" {
			t.Errorf("the plan's matrix is %v, %v", p.Matrix.Include, err)
		}
		// The same again, by whatever started it: nothing more is launched.
		again := matrix(t, m, w, nil, []string{"agent-0"}, []string{"agent-1", "agent-3"}, []string{"agent-2", "agent-4"})
		for _, doc := range again {
			if doc.Launched > 0 {
				t.Errorf("again: %s", wording(doc))
			}
		}
		if w.made != 2 {
			t.Errorf("%d jobs were made", w.made)
		}
	})
}

// The input's cap is shared out as the manifest's is, and legs that are not launched leave their money to the later ones.
func TestOnlyWhatIsLaunchedHasAShare(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := dollar(t, 1000)
		if err := os.WriteFile(filepath.Join(m.Root, "broken.jsonl"), []byte("no row\n"), 0o644); err != nil {
			t.Fatal(err)
		}
		m.Agents[0].TrainPath, m.Agents[0].Train = filepath.Join(m.Root, "broken.jsonl"), "broken.jsonl"
		w := &watched{account: account{length: time.Hour, latency: time.Second}}
		cap := 45.0
		docs := matrix(t, m, w, func(o *Options) { o.MaxCostUSD = &cap }, []string{"agent-0"}, []string{"agent-1"}, []string{"agent-2"}, []string{"agent-3"})
		if got := fmt.Sprint(docs[0].Launched, docs[1].Launched, docs[2].Launched, docs[3].Launched); got != "0 1 1 0" {
			t.Errorf("launched %s", got)
		}
	})
}

// A share is enough for another attempt where the budget leaves room for one, and for no more.
func TestAttemptsStayWithinTheShare(t *testing.T) {
	for budget, want := range map[float64]int{45: 2, 80: 4} { // two legs of $19.31, each of which fails
		synctest.Test(t, func(t *testing.T) {
			m := dollar(t, budget)
			m.Agents = m.Agents[:2]
			w := &watched{account: account{length: time.Hour, latency: time.Second, fails: `{"message":"bad luck","code":"server_error"}`}}
			matrix(t, m, w, func(o *Options) { o.Attempts = 9 }, []string{"agent-0"}, []string{"agent-1"})
			if w.made != want {
				t.Errorf("with $%g %d jobs were made, want %d", budget, w.made, want)
			}
		})
	}
}

// However the legs are, their shares never add up to more than the budget, and a leg that fits in order has what it needs.
func TestSharesAddUp(t *testing.T) {
	rnd := rand.New(rand.NewPCG(1, 2))
	for range 5000 {
		legs := make([]*leg, 1+rnd.IntN(12))
		for i := range legs {
			legs[i] = &leg{counted: rnd.IntN(4) > 0, phases: make([]phase, 1+rnd.IntN(3))}
			legs[i].estimate.TrainingUSD = float64(rnd.IntN(3000)) / 100
		}
		budget := float64(rnd.IntN(10_000)) / 100
		sum, left := 0.0, budget
		for i, usd := range allot(legs, budget) {
			sum += usd
			need := legs[i].estimate.Total()
			if usd < 0 || usd > 0 && !legs[i].counted {
				t.Fatalf("share %g of %+v", usd, legs[i])
			}
			if legs[i].counted && need <= left+0.005 { // as a ledger rounds
				if left -= need; usd < need-1e-9 {
					t.Fatalf("a leg of $%g that fits has $%g", need, usd)
				}
			} else if legs[i].counted && len(legs[i].phases) > 1 {
				left = 0
			}
		}
		if sum > budget+0.01 {
			t.Fatalf("shares add up to $%g of $%g", sum, budget)
		}
	}
}
