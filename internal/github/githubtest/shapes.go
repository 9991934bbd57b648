package githubtest

import (
	"encoding/base64"
	"fmt"
	"strings"
	"time"
)

// The forms in which GitHub shows things, with all that its description requires.

const site = "https://github.test/"

func stamp(t time.Time) string { return t.UTC().Format(time.RFC3339) }

func node(kind string, id int64) string {
	return base64.StdEncoding.EncodeToString(fmt.Appendf(nil, "%s%d", kind, id))
}

// user shows an account by its login; one that ends in [bot] is a bot.
func user(login string) map[string]any {
	var id int64
	for _, r := range login {
		id = id*31 + int64(r)
	}
	id &= 1<<31 - 1
	url := APIURL + "/users/" + login
	u := map[string]any{
		"login": login, "id": id, "node_id": node("U", id), "avatar_url": "https://avatars.github.test/u/1", "gravatar_id": "", "url": url,
		"html_url": site + login, "type": "User", "site_admin": false,
	}
	for _, k := range []string{"events", "followers", "following", "gists", "organizations", "received_events", "repos", "starred", "subscriptions"} {
		u[k+"_url"] = url + "/" + k
	}
	if strings.HasSuffix(login, "[bot]") {
		u["type"] = "Bot"
	}
	return u
}

// repository shows a repository of that name and id.
func (f *Fake) repository(full string) map[string]any {
	owner, name, _ := strings.Cut(full, "/")
	id := f.repoID(full)
	url := APIURL + "/repos/" + full
	r := map[string]any{
		"id": id, "node_id": node("R", id), "name": name, "full_name": full, "owner": user(owner), "private": f.private, "fork": !strings.EqualFold(full, f.Repository),
		"html_url": site + full, "description": nil, "url": url, "default_branch": f.DefaultBranch, "archived": false, "disabled": false,
		"clone_url": site + full + ".git", "git_url": "git://github.test/" + full, "ssh_url": "git@github.test:" + full, "svn_url": site + full,
		"homepage": nil, "language": nil, "mirror_url": nil, "license": nil, "has_discussions": false, "visibility": "public",
	}
	for _, k := range []string{
		"archive", "assignees", "blobs", "branches", "collaborators", "comments", "commits", "compare", "contents", "contributors", "deployments",
		"downloads", "events", "forks", "git_commits", "git_refs", "git_tags", "hooks", "issue_comment", "issue_events", "issues", "keys", "labels",
		"languages", "merges", "milestones", "notifications", "pulls", "releases", "stargazers", "statuses", "subscribers", "subscription", "tags",
		"teams", "trees",
	} {
		r[k+"_url"] = url + "/" + k
	}
	for _, k := range []string{"forks", "forks_count", "open_issues", "open_issues_count", "size", "stargazers_count", "watchers", "watchers_count", "network_count", "subscribers_count"} {
		r[k] = 0
	}
	for _, k := range []string{"has_downloads", "has_issues", "has_projects", "has_wiki", "has_pages"} {
		r[k] = true
	}
	for _, k := range []string{"created_at", "pushed_at", "updated_at"} {
		r[k] = "2026-01-01T00:00:00Z"
	}
	return r
}

// commit shows a commit.
func (f *Fake) commit(sha string) map[string]any {
	url := APIURL + "/repos/" + f.Repository + "/commits/" + sha
	person := map[string]any{"name": "someone", "email": "someone@example.com", "date": "2026-01-01T00:00:00Z"}
	return map[string]any{
		"sha": sha, "node_id": "C", "url": url, "html_url": site + f.Repository + "/commit/" + sha, "comments_url": url + "/comments",
		"author": user("someone"), "committer": user("someone"), "parents": []any{},
		"commit": map[string]any{"author": person, "committer": person, "comment_count": 0, "message": "a change", "url": url,
			"tree": map[string]any{"sha": sha, "url": url}},
	}
}

// file shows a changed file.
func (f *Fake) file(c File) map[string]any {
	added, removed := 0, 0
	for line := range strings.Lines(c.Patch) {
		switch line[0] {
		case '+':
			added++
		case '-':
			removed++
		}
	}
	base := site + f.Repository
	m := map[string]any{
		"sha": strings.Repeat("f", 40), "filename": c.Name, "status": "modified", "additions": added, "deletions": removed, "changes": added + removed,
		"blob_url": base + "/blob", "raw_url": base + "/raw", "contents_url": APIURL + "/repos/" + f.Repository + "/contents",
	}
	if c.Status != "" {
		m["status"] = c.Status
	}
	if c.Previous != "" {
		m["previous_filename"] = c.Previous
	}
	if c.Patch != "" {
		m["patch"] = c.Patch
	}
	return m
}
