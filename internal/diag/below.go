package diag

import (
	"path"
	"path/filepath"
)

// Below returns copies of the findings whose files are named from dir's parent on, with slashes: where they stood below a manifest's
// folder, they stand below the root of its repository, as code-scanning pages want them. Absolute paths and blank ones stay. A dir that
// leads out of where it is counts as none.
func Below(dir string, findings []Finding) []Finding {
	if !filepath.IsLocal(filepath.FromSlash(dir)) {
		dir = ""
	}
	below := func(file string) string {
		slashed := filepath.ToSlash(file)
		if filepath.IsAbs(file) || path.IsAbs(slashed) || file == "" {
			return slashed
		}
		return path.Join(dir, slashed)
	}
	out := make([]Finding, len(findings))
	for i, f := range findings {
		f.File = below(f.File)
		f.Related = append([]Place(nil), f.Related...)
		for k := range f.Related {
			f.Related[k].File = below(f.Related[k].File)
		}
		out[i] = f
	}
	return out
}
