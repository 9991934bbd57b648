package scaffold

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"unicode"
)

// What is looked at, at most.
const (
	mostEntries = 50_000
	mostFiles   = 300
	mostDepth   = 10 // folders below the first
)

// fetched are folders of other people's files.
var fetched = []string{"node_modules", "vendor", "venv", "site-packages", "__pycache__"}

// dataName is how data files are called. What they hold is found out by reading, but a repository has too many
// other files to read them all.
var dataName = regexp.MustCompile(`(?i)\.(jsonl|ndjson)(\.gz|\.zst)?$`)

// walk lists the data files in dir and below, in order, the nearest first: where a bound is met, what lies deep is
// missing. links are those files that are no regular ones.
func walk(ctx context.Context, dir string) (files []string, links map[string]bool, notes []string, err error) {
	links = map[string]bool{}
	left := mostEntries
	level := []string{"."}
	for depth := 0; depth <= mostDepth && len(level) > 0; depth++ {
		var next []string
		for _, folder := range level {
			if err := ctx.Err(); err != nil {
				return nil, nil, nil, err
			}
			entries, err := list(filepath.Join(dir, filepath.FromSlash(folder)), left)
			if err != nil && folder == "." {
				return nil, nil, nil, err
			} else if err != nil {
				notes = append(notes, printable(err.Error())) // it names the folder
			}
			left -= len(entries)
			for _, e := range entries {
				name := path.Join(folder, e.Name())
				switch {
				case e.IsDir() && !strings.HasPrefix(e.Name(), ".") && !slices.Contains(fetched, e.Name()):
					next = append(next, name)
				case e.IsDir() || strings.HasPrefix(e.Name(), ".") || !dataName.MatchString(e.Name()):
				case !writable(name):
					notes = append(notes, at(dir, name)+": a manifest cannot name a file of this name")
				case len(files) == mostFiles:
					return files, links, append(notes, fmt.Sprintf("only the first %d data files were looked at", mostFiles)), nil
				default:
					files = append(files, name)
					links[name] = !e.Type().IsRegular()
				}
			}
			if left <= 0 {
				return files, links, append(notes, fmt.Sprintf("only the first %d files and folders were looked at", mostEntries)), nil
			}
		}
		level = next
	}
	if len(level) > 0 {
		notes = append(notes, fmt.Sprintf("folders more than %d deep were not looked at", mostDepth))
	}
	return files, links, notes, nil
}

// list reads at most most entries of a folder.
func list(dir string, most int) ([]fs.DirEntry, error) {
	f, err := os.Open(dir)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	entries, err := f.ReadDir(most)
	if errors.Is(err, io.EOF) {
		err = nil
	}
	slices.SortFunc(entries, func(a, b fs.DirEntry) int { return cmp.Compare(a.Name(), b.Name()) })
	return entries, err
}

// writable reports whether a manifest can name the path.
func writable(name string) bool {
	return len(name) <= 500 && !strings.Contains(name, `\`) && printable(name) == name
}

// printable makes a text fit for a terminal and for a comment: one line, nothing that moves the cursor or turns the
// direction of writing.
func printable(s string) string {
	return strings.Map(func(r rune) rune {
		if !unicode.IsPrint(r) {
			return unicode.ReplacementChar
		}
		return r
	}, strings.ToValidUTF8(s, "\ufffd"))
}
