package githubtest

import (
	"encoding/base64"
	"fmt"
	"net/http"
	"slices"
	"strings"
)

// Pull is a pull request. Zero fields get sensible values in AddPull.
type Pull struct {
	Number         int
	Title, Body    string
	Author         string // login; empty for somebody
	HeadSHA        string // empty for one made from the number
	HeadRef        string // empty for feature
	HeadRepository string // "owner/name"; empty for the repository itself, Gone for one that was deleted
	BaseSHA        string
	BaseRef        string // empty for the default branch
	State          string // empty for open
	Draft          bool
	Files          []File
}

// Gone stands for a repository that was deleted.
const Gone = "-"

// File is a changed file. An empty Status is modified, an empty Patch is one that GitHub leaves out.
type File struct{ Name, Previous, Status, Patch string }

// Collaborator is what somebody may do in the repository: Permission is admin, write, read or none, Role what a team or a
// custom role gave, in the field that GitHub added later. Push says so in the permissions of the user.
type Collaborator struct {
	Permission, Role string
	Push             bool
}

// SHA is a commit's name made from a number.
func SHA(n int) string { return fmt.Sprintf("%040x", n) }

// AddPull opens a pull request, or replaces one of that number, and makes its commits known.
func (f *Fake) AddPull(p Pull) Pull {
	f.mu.Lock()
	defer f.mu.Unlock()
	set := func(field *string, value string) {
		if *field == "" {
			*field = value
		}
	}
	set(&p.Title, "A change")
	set(&p.Author, "somebody")
	set(&p.HeadSHA, SHA(0xabc000+p.Number))
	set(&p.HeadRef, "feature")
	set(&p.HeadRepository, f.Repository)
	set(&p.BaseSHA, SHA(0xba5e))
	set(&p.BaseRef, f.DefaultBranch)
	set(&p.State, "open")
	p.Files = slices.Clone(p.Files)
	f.pulls[p.Number] = &p
	f.commits[p.HeadSHA], f.commits[p.BaseSHA] = true, true
	return p
}

// AddPerson says what somebody may do; whom nobody added is none of the repository's collaborators.
func (f *Fake) AddPerson(login string, c Collaborator) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.people[strings.ToLower(login)] = c
}

// AddComparison says which files differ between two commits.
func (f *Fake) AddComparison(base, head string, files []File) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.compared[base+"..."+head] = slices.Clone(files)
	f.commits[base], f.commits[head] = true, true
}

func getRepository(c *call) { c.answer(http.StatusOK, c.f.repository(c.f.Repository)) }

func getPermission(c *call) {
	login := c.r.PathValue("login")
	p, known := c.f.people[strings.ToLower(login)]
	if !known {
		c.refuse(http.StatusNotFound, login+" is not a user")
		return
	}
	if p.Role == "" {
		p.Role = p.Permission
	}
	u := user(login)
	u["role_name"] = p.Role
	u["permissions"] = map[string]any{"pull": true, "triage": p.Push, "push": p.Push, "maintain": false, "admin": p.Permission == "admin"}
	c.answer(http.StatusOK, map[string]any{"permission": p.Permission, "role_name": p.Role, "user": u})
}

func getContents(c *call) {
	ref, path := c.r.URL.Query().Get("ref"), c.r.PathValue("path")
	if ref == "" {
		ref = c.f.DefaultBranch
	}
	data, there := c.f.contents[ref+"\x00"+path]
	if !there {
		c.missing()
		return
	}
	url := APIURL + c.r.URL.Path
	c.answer(http.StatusOK, map[string]any{
		"type": "file", "encoding": "base64", "size": len(data), "name": path[strings.LastIndexByte(path, '/')+1:], "path": path,
		"content": base64.StdEncoding.EncodeToString(data), "sha": strings.Repeat("e", 40), "url": url, "git_url": url, "html_url": url, "download_url": url,
		"_links": map[string]any{"git": url, "self": url, "html": url},
	})
}

func (f *Fake) pull(n int) map[string]any {
	p := f.pulls[n]
	url := fmt.Sprintf("%s/repos/%s/pulls/%d", APIURL, f.Repository, n)
	page := fmt.Sprintf("%s%s/pull/%d", site, f.Repository, n)
	end := func(sha, ref, repo string) map[string]any {
		owner, _, _ := strings.Cut(repo, "/")
		e := map[string]any{"label": owner + ":" + ref, "ref": ref, "sha": sha, "repo": nil, "user": user(p.Author)}
		if repo != Gone {
			e["repo"] = f.repository(repo)
		}
		return e
	}
	m := map[string]any{
		"id": n, "node_id": node("PR", int64(n)), "number": n, "state": p.State, "locked": false, "title": p.Title, "body": p.Body, "user": user(p.Author),
		"draft": p.Draft, "labels": []any{}, "assignee": nil, "milestone": nil, "auto_merge": nil, "merged": false, "merged_at": nil, "merged_by": nil,
		"closed_at": nil, "created_at": "2026-01-01T00:00:00Z", "updated_at": "2026-01-01T00:00:00Z", "merge_commit_sha": nil, "mergeable": true,
		"mergeable_state": "clean", "maintainer_can_modify": false, "author_association": "CONTRIBUTOR", "comments": 0, "review_comments": 0, "commits": 1,
		"additions": 0, "deletions": 0, "changed_files": len(p.Files), "url": url, "html_url": page, "diff_url": page + ".diff", "patch_url": page + ".patch",
		"head": end(p.HeadSHA, p.HeadRef, p.HeadRepository), "base": end(p.BaseSHA, p.BaseRef, f.Repository),
	}
	links := map[string]any{}
	for _, k := range []string{"self", "html", "issue", "comments", "review_comments", "review_comment", "commits", "statuses"} {
		links[k] = map[string]any{"href": url}
		if k != "self" && k != "html" {
			m[k+"_url"] = url
		}
	}
	m["_links"] = links
	return m
}

func getPull(c *call) {
	n := int(c.number("number"))
	if c.f.pulls[n] == nil {
		c.missing()
		return
	}
	c.answer(http.StatusOK, c.f.pull(n))
}

// Lists of files end here, in the real GitHub too.
const (
	pullFilesLimit    = 3000
	compareFilesLimit = 300
)

func listPullFiles(c *call) {
	p := c.f.pulls[int(c.number("number"))]
	if p == nil {
		c.missing()
		return
	}
	list := []any{}
	for _, file := range page(c, p.Files[:min(pullFilesLimit, len(p.Files))]) {
		list = append(list, c.f.file(file))
	}
	c.answer(http.StatusOK, list)
}

func compare(c *call) {
	base, head, _ := strings.Cut(c.r.PathValue("basehead"), "...")
	files, there := c.f.compared[base+"..."+head]
	if !there {
		c.missing()
		return
	}
	list := []any{}
	for _, file := range files[:min(compareFilesLimit, len(files))] {
		list = append(list, c.f.file(file))
	}
	url := APIURL + c.r.URL.Path
	c.answer(http.StatusOK, map[string]any{
		"url": url, "html_url": url, "permalink_url": url, "diff_url": url, "patch_url": url, "base_commit": c.f.commit(base),
		"merge_base_commit": c.f.commit(base), "status": "ahead", "ahead_by": 1, "behind_by": 0, "total_commits": 1,
		"commits": []any{c.f.commit(head)}, "files": list,
	})
}

// getCommit answers for a branch whose head was set, and for a known SHA.
func getCommit(c *call) {
	ref := c.r.PathValue("ref")
	sha, branch := c.f.branches[ref]
	if !branch && c.f.commits[ref] {
		sha = ref
	}
	if sha == "" {
		c.refuse(http.StatusUnprocessableEntity, "No commit found for SHA: "+ref)
		return
	}
	c.answer(http.StatusOK, c.f.commit(sha))
}
