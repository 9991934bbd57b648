package runner

import (
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"github.com/tunegate/tunegate/internal/diag"
)

// What the runner shows of a step: so many annotations of a type, so many bytes of each. It drops the others in silence.
const (
	annotationLimit = 10
	messageLimit    = 4096
)

// Annotate shows findings beside the lines that they are about: critical ones as errors, warnings as such, the others
// as notices. The last of more than ten of a kind says how many there are besides. The findings' files lie below dir,
// which is relative to the working directory; GitHub knows them by their path in checkout, the folder of the repository, empty for the
// workspace. One outside of it is named in the text alone.
func (r *Runner) Annotate(checkout, dir string, findings []diag.Finding) {
	if !r.listens() {
		return
	}
	for _, severity := range []diag.Severity{diag.Critical, diag.Warning, diag.Info} {
		some := slices.DeleteFunc(slices.Clone(findings), func(f diag.Finding) bool { return f.Severity != severity })
		for i, f := range some {
			if i == annotationLimit-1 && len(some) > annotationLimit {
				r.annotate(severity, map[string]string{"title": "tunegate"}, "and "+strconv.Itoa(len(some)-i)+" more like these, in the job summary")
				break
			}
			fields := map[string]string{"title": "tunegate: " + f.Rule}
			text := f.Message
			if file, ok := r.within(checkout, dir, f.File); ok {
				fields["file"] = file
				if f.Line > 0 {
					fields["line"] = strconv.Itoa(f.Line)
				}
				if f.Col > 0 {
					fields["col"] = strconv.Itoa(f.Col)
				}
			} else if f.File != "" {
				text = f.String()
			}
			if f.Hint != "" {
				text += "\n" + f.Hint
			}
			r.annotate(severity, fields, text)
		}
	}
}

func (r *Runner) annotate(s diag.Severity, fields map[string]string, text string) {
	// Not valid UTF-8 and over-long text is cut here, where a character can be kept whole.
	text = strings.ToValidUTF8(text, "\ufffd")
	if len(text) > messageLimit {
		text = strings.ToValidUTF8(text[:messageLimit-len("…")], "") + "…"
	}
	a := r.lib.WithFieldsMap(fields)
	switch s {
	case diag.Critical:
		a.Errorf("%s", text)
	case diag.Warning:
		a.Warningf("%s", text)
	default:
		a.Noticef("%s", text)
	}
}

// inWorkspace returns a file by its path from the workspace's root, with slashes.
func (r *Runner) inWorkspace(file string) (string, bool) { return r.within("", ".", file) }

// within returns a file, relative to dir, by its path from the folder of the checkout, with slashes.
func (r *Runner) within(checkout, dir, file string) (string, bool) {
	if file == "" {
		return "", false
	}
	root := r.workspace()
	if checkout != "" {
		var err error
		if root, err = filepath.Abs(checkout); err != nil {
			return "", false
		}
	}
	if !filepath.IsAbs(file) {
		file = filepath.Join(dir, file)
	}
	file, err := filepath.Abs(file)
	if err != nil {
		return "", false
	}
	name, err := filepath.Rel(root, file)
	if err != nil || !filepath.IsLocal(name) {
		return "", false
	}
	return filepath.ToSlash(name), true
}

// workspace is the folder of the checkout, the working directory when there is no runner.
func (r *Runner) workspace() string {
	dir := r.getenv("GITHUB_WORKSPACE")
	if dir == "" {
		dir = "."
	}
	if abs, err := filepath.Abs(dir); err == nil {
		return abs
	}
	return dir
}
