package main

import (
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path"
	"slices"

	"github.com/tunegate/tunegate/internal/audit"
	"github.com/tunegate/tunegate/internal/diag"
	"github.com/tunegate/tunegate/internal/render"
	"github.com/tunegate/tunegate/internal/report"
)

// writeOutputs writes what a run leaves: the pages below reports, a record a leg below models. The record of a leg without a
// model goes, since it is one from before. Links below dir, which a checkout may bring, lead no file out of it. past may be nil.
func writeOutputs(dir string, doc report.Report, past *render.History) error {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return fmt.Errorf("making the folder of the outputs: %w", err)
	}
	root, err := os.OpenRoot(dir)
	if err != nil {
		return fmt.Errorf("opening the folder of the outputs: %w", err)
	}
	defer root.Close()
	body, err := json.MarshalIndent(doc, "", "  ")
	if err != nil {
		return fmt.Errorf("encoding the report: %w", err)
	}
	files := map[string][]byte{
		"reports/report.json":            append(body, '\n'),
		"reports/report.html":            []byte(render.HTML(doc, past)),
		"reports/quick_quality_audit.md": []byte(render.Audit(doc)),
		"reports/finetuning_results.md":  []byte(render.Results(doc)),
		"reports/next_steps.md":          []byte(render.Next(doc)),
		"reports/audit.sarif":            auditSARIF(doc),
	}
	var errs []error // what can be written is
	for i := range doc.Legs {
		l := &doc.Legs[i]
		name := "models/" + l.ID + ".json"
		p := l.Last()
		if p == nil || p.Model == "" {
			if err := root.Remove(name); err != nil && !errors.Is(err, fs.ErrNotExist) {
				errs = append(errs, fmt.Errorf("removing the record of an earlier model below %s: %w", dir, err))
			}
			continue
		}
		model, err := json.MarshalIndent(map[string]any{
			"leg": l.ID, "agent": l.Agent, "provider": l.Provider, "base_model": l.BaseModel, "model": p.Model, "job": p.Job,
			"run_key": p.Key, "phase": p.Name, "examples": p.Examples, "trained_tokens": p.TrainedTokens, "verdict": l.Verdict,
		}, "", "  ")
		if err != nil {
			return fmt.Errorf("encoding the model of %s: %w", l.ID, err)
		}
		files[name] = append(model, '\n')
	}
	for _, name := range slices.Sorted(maps.Keys(files)) {
		if err := writeWhole(root, name, files[name]); err != nil {
			errs = append(errs, fmt.Errorf("writing %s below %s: %w", name, dir, err))
		}
	}
	return errors.Join(errs...)
}

// auditSARIF is what the audit of all legs found, for code-scanning pages.
func auditSARIF(doc report.Report) []byte {
	var all []diag.Finding
	for _, l := range doc.Legs {
		all = append(all, l.Audit.Findings...)
	}
	return render.SARIF(diag.Below(path.Dir(doc.Manifest), render.Distinct(all)), append(audit.Rules(), audit.OutsideRules()...), version())
}

// tryOutputs reports why writeOutputs could not write below dir, before anything is spent on what would be written.
func tryOutputs(dir string) error {
	why := func(err error) error {
		return fmt.Errorf("the outputs cannot be written below %s, so nothing was launched: %w", dir, err)
	}
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return why(err)
	}
	root, err := os.OpenRoot(dir)
	if err != nil {
		return why(err)
	}
	defer root.Close()
	for _, folder := range []string{"reports", "models"} {
		if _, err := root.Lstat(folder); folder == "models" && errors.Is(err, fs.ErrNotExist) {
			continue // where reports can be made, so can it
		}
		name := folder + "/.try-" + rand.Text()
		err := writeWhole(root, name, nil)
		if err == nil {
			err = root.Remove(name)
		}
		if err != nil {
			return why(err)
		}
	}
	return nil
}

// writeWhole makes the file name below root hold content, wholly or not at all.
func writeWhole(root *os.Root, name string, content []byte) error {
	if err := root.MkdirAll(path.Dir(name), 0o755); err != nil {
		return err
	}
	fresh := path.Join(path.Dir(name), ".new-"+rand.Text())
	f, err := root.OpenFile(fresh, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o644)
	if err != nil {
		return err
	}
	_, err = f.Write(content)
	if err == nil {
		err = f.Chmod(0o644) // whatever the umask
	}
	err = errors.Join(err, f.Close())
	if err == nil {
		err = root.Rename(fresh, name)
	}
	if err != nil {
		_ = root.Remove(fresh)
	}
	return err
}
