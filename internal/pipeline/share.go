package pipeline

import (
	"context"
	"slices"

	"github.com/tunegate/tunegate/internal/cost"
)

// shareOut leaves in the ledger what the legs of this process may spend of the budget, in CI, where the other legs of the manifest
// are other processes' that share no ledger. Each of them works out the same shares from the same data: a leg that fits, in the
// manifest's order, has what it may cost, the first that fits in part has the rest, and what is left over is shared out evenly
// between those that fit. So all of them together stay within the budget, whatever started them. The data of the other legs is audited for that, unless
// nothing of this process costs anything.
func (r *run) shareOut(ctx context.Context, legs []*leg) error {
	budget := r.m.Budget.MaxCostUSD
	costs := func(l *leg) bool { return l.counted && l.estimate.Total() > 0 }
	if r.Trust == nil || budget == nil || len(legs) == len(r.m.Agents) || !slices.ContainsFunc(legs, costs) {
		return nil
	}
	aside := &run{Options: r.Options, head: r.head, m: r.m, glance: true}
	aside.Notify = nil
	var err error
	if aside.baseline, err = OpenBaseline(r.m); err != nil { // one of its own: what is stale is told by whose legs it is about
		return err
	}
	all := make([]*leg, len(r.m.Agents))
	own := map[*leg]bool{}
	aside.each(len(all), func(i int) {
		a := r.m.Agents[i]
		if k := slices.IndexFunc(legs, func(l *leg) bool { return l.out.ID == a.Name }); k >= 0 {
			all[i] = legs[k]
			return
		}
		all[i] = newLeg(r.m, a)
		aside.inspect(ctx, all[i])
	})
	for _, l := range legs {
		own[l] = true
	}
	others := *budget
	for i, usd := range allot(all, *budget) {
		if own[all[i]] {
			others -= usd
		}
	}
	r.ledger.Keep(others)
	r.kept = others
	return nil
}

// allot shares a budget out among the legs of a manifest.
func allot(legs []*leg, budget float64) []float64 {
	shares, fit := make([]float64, len(legs)), 0
	ledger, left := cost.NewLedger(&budget), budget
	for i, l := range legs {
		switch {
		case !l.counted:
		case ledger.Reserve(l.estimate.Total()) == nil:
			shares[i] = l.estimate.Total()
			fit++
		case len(l.phases) > 1:
			shares[i] = max(left, 0) // for its first phases
			_ = ledger.Reserve(shares[i])
		}
		left -= shares[i]
	}
	for i, l := range legs {
		if l.counted && shares[i] > 0 && shares[i] == l.estimate.Total() && left > 0 {
			shares[i] += left / float64(fit)
		}
	}
	return shares
}
