package main

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"

	"github.com/tunegate/tunegate/internal/render"
	"github.com/tunegate/tunegate/internal/report"
)

// writeOutputs writes what a run leaves: the pages below reports, a record a leg below models.
func writeOutputs(dir string, doc report.Report) error {
	body, err := json.MarshalIndent(doc, "", "  ")
	if err != nil {
		return fmt.Errorf("encoding the report: %w", err)
	}
	files := map[string][]byte{
		"reports/report.json":            append(body, '\n'),
		"reports/quick_quality_audit.md": []byte(render.Audit(doc)),
		"reports/finetuning_results.md":  []byte(render.Results(doc)),
		"reports/next_steps.md":          []byte(render.Next(doc)),
	}
	for i := range doc.Legs {
		l := &doc.Legs[i]
		p := l.Last()
		if p == nil || p.Model == "" {
			continue
		}
		model, err := json.MarshalIndent(map[string]any{
			"leg": l.ID, "agent": l.Agent, "provider": l.Provider, "base_model": l.BaseModel, "model": p.Model, "job": p.Job,
			"run_key": p.Key, "phase": p.Name, "examples": p.Examples, "trained_tokens": p.TrainedTokens, "verdict": l.Verdict,
		}, "", "  ")
		if err != nil {
			return fmt.Errorf("encoding the model of %s: %w", l.ID, err)
		}
		files["models/"+l.ID+".json"] = append(model, '\n')
	}
	for name, content := range files {
		if err := writeWhole(filepath.Join(dir, name), content); err != nil {
			return err
		}
	}
	return nil
}

// writeWhole makes path hold content, wholly or not at all.
func writeWhole(path string, content []byte) error {
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return err
	}
	f, err := os.CreateTemp(filepath.Dir(path), ".new-*")
	if err != nil {
		return err
	}
	_, err = f.Write(content)
	if err == nil {
		err = f.Chmod(0o644)
	}
	if err2 := f.Close(); err == nil {
		err = err2
	}
	if err == nil {
		err = os.Rename(f.Name(), path)
	}
	if err != nil {
		os.Remove(f.Name())
		return fmt.Errorf("writing %s: %w", path, err)
	}
	return nil
}
