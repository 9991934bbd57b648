package github

import (
	"context"
	"fmt"
	"strings"

	gh "github.com/google/go-github/v60/github"
)

// Pull is a pull request as it is now.
type Pull struct {
	Number         int
	State          string // open or closed
	Merged         bool
	Draft          bool
	Author         string // login
	HeadSHA        string
	HeadRef        string // branch
	HeadRepository string // "owner/name"; "" when it is gone
	Fork           bool   // the head is not in this repository, or not known to be
	BaseSHA        string
	BaseRef        string // branch
	ChangedFiles   int
}

// Pull asks for a pull request.
func (c *Client) Pull(ctx context.Context, number int) (Pull, error) {
	p, _, err := c.api.PullRequests.Get(ctx, c.owner, c.name, number)
	if err != nil {
		return Pull{}, wrap(err, "asking for pull request %d", number)
	}
	head, base := p.GetHead(), p.GetBase()
	pull := Pull{
		Number: p.GetNumber(), State: p.GetState(), Merged: p.GetMerged(), Draft: p.GetDraft(), Author: p.GetUser().GetLogin(),
		HeadSHA: head.GetSHA(), HeadRef: head.GetRef(), HeadRepository: head.GetRepo().GetFullName(),
		BaseSHA: base.GetSHA(), BaseRef: base.GetRef(), ChangedFiles: p.GetChangedFiles(),
	}
	pull.Fork = !strings.EqualFold(pull.HeadRepository, c.owner+"/"+c.name)
	if pull.Number != number || !shaForm.MatchString(pull.HeadSHA) || !shaForm.MatchString(pull.BaseSHA) {
		return Pull{}, fmt.Errorf("asking for pull request %d: the reply is of %d, from %q to %q", number, pull.Number, clip(pull.BaseSHA), clip(pull.HeadSHA))
	}
	return pull, nil
}

// File is a file that a change touches.
type File struct {
	Name     string // from the root of the repository, with slashes
	Previous string // what it was called before, when it was renamed
	Status   string // added, removed, modified, renamed, copied, changed or unchanged
	// Added are the numbers of the lines that the change adds, ascending, from 1. Patched is false where GitHub shows no
	// patch, as for large and binary files; which lines were added is not known then.
	Added   []int
	Patched bool
}

// Files are the files of a change. Cut says that there may be more of them than GitHub lists.
type Files struct {
	List []File
	Cut  bool
}

const (
	pullFilesLimit    = 3000
	compareFilesLimit = 300
)

// Files asks for all files of a pull request; of more than 3,000 GitHub lists that many.
func (c *Client) Files(ctx context.Context, number int) (Files, error) {
	var all Files
	opt := &gh.ListOptions{PerPage: perPage}
	for {
		page, reply, err := c.api.PullRequests.ListFiles(ctx, c.owner, c.name, number, opt)
		if err != nil {
			return Files{}, wrap(err, "asking for the files of pull request %d", number)
		}
		all.List = append(all.List, files(page)...)
		if len(all.List) >= pullFilesLimit {
			all.Cut = true
			return all, nil
		}
		if reply.NextPage <= opt.Page || len(page) == 0 {
			return all, nil
		}
		opt.Page = reply.NextPage
	}
}

// Comparison is what a head has that a base has not.
type Comparison struct {
	MergeBase string // SHA of the last commit that both have
	Ahead     int    // commits of the head that the base has not
	Behind    int    // commits of the base that the head has not
	Files     Files  // between MergeBase and the head; of more than 300 GitHub lists that many
}

// Compare asks for the changes between two commits or branches of the repository, for merge groups and pushes.
func (c *Client) Compare(ctx context.Context, base, head string) (Comparison, error) {
	doing := fmt.Sprintf("comparing %s with %s", short(clip(base)), short(clip(head)))
	r, _, err := c.api.Repositories.CompareCommits(ctx, c.owner, c.name, base, head, &gh.ListOptions{PerPage: perPage})
	if err != nil {
		return Comparison{}, wrap(err, "%s", doing)
	}
	all := Comparison{r.GetMergeBaseCommit().GetSHA(), r.GetAheadBy(), r.GetBehindBy(), Files{List: files(r.Files)}}
	all.Files.Cut = len(all.Files.List) >= compareFilesLimit
	return all, nil
}

func files(page []*gh.CommitFile) []File {
	list := make([]File, 0, len(page))
	for _, f := range page {
		g := File{Name: f.GetFilename(), Previous: f.GetPreviousFilename(), Status: f.GetStatus()}
		if f.Patch != nil {
			g.Added, g.Patched = addedLines(f.GetPatch())
		}
		list = append(list, g)
	}
	return list
}
