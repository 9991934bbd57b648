package pipeline

import (
	"context"
	"fmt"
	"path/filepath"
	"time"

	"github.com/tunegate/tunegate/internal/catalog"
	"github.com/tunegate/tunegate/internal/diag"
	"github.com/tunegate/tunegate/internal/manifest"
)

// ending warns of a base model that will be shut down soon, and its fine-tunes with it, as the catalog has it; not where
// files alone are audited, for no agent.
func (l *leg) ending(m *manifest.Manifest) []diag.Finding {
	known, _ := catalog.Lookup(l.agent.BaseModel)
	if l.agent.Name == "" || known.Retires.IsZero() || time.Until(known.Retires) > catalog.Notice {
		return nil
	}
	return []diag.Finding{{Rule: "model-ends", Severity: diag.Warning, File: filepath.Base(m.File), Line: l.agent.Pos.Line, Col: l.agent.Pos.Col,
		Message: fmt.Sprintf("%s: %s (%s, read %s)", l.agent.Name, ends(l.agent.BaseModel, known.Retires), known.Source, known.AsOf),
		Hint:    "tune a base model that stays"}}
}

// askEnding warns of an end that only the service knows of, before anything is paid for. A service that does not answer that
// question is taken to know of none.
func (r *run) askEnding(ctx context.Context, l *leg) {
	at := r.places.byName[l.agent.Provider]
	if r.m.Providers[l.agent.Provider].Kind == manifest.KindLocal || len(l.ending(r.m)) > 0 || at.reach.Down() {
		return
	}
	ctx, stop := context.WithTimeout(ctx, 10*time.Second)
	defer stop()
	day, err := at.client.Retires(ctx, l.agent.BaseModel)
	if err != nil || day.IsZero() || time.Until(day) > catalog.Notice {
		return
	}
	text := ends(l.agent.BaseModel, day) + ", says the service"
	l.out.Next = append(l.out.Next, text+": tune a base model that stays")
	r.tell(Event{Leg: l.out.ID, Stage: Estimating, Text: "warning: " + text})
}

func ends(model string, day time.Time) string {
	verb := "is shut down"
	if time.Now().After(day) {
		verb = "was to be shut down"
	}
	return fmt.Sprintf("%s %s on %s, and what was tuned on it with it", model, verb, day.Format(time.DateOnly))
}
