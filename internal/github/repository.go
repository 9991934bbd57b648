package github

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
)

// Repository is what there is to know of the client's repository.
type Repository struct {
	ID            int64
	FullName      string // "owner/name"
	DefaultBranch string
	Private       bool
}

// Repository asks for the repository, once in the life of the client.
func (c *Client) Repository(ctx context.Context) (Repository, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.repo != nil {
		return *c.repo, nil
	}
	doing := "asking for the repository " + c.owner + "/" + c.name
	r, _, err := c.api.Repositories.Get(ctx, c.owner, c.name)
	if err != nil {
		return Repository{}, wrap(err, "%s", doing)
	}
	repo := Repository{r.GetID(), r.GetFullName(), r.GetDefaultBranch(), r.GetPrivate()}
	if repo.ID <= 0 || repo.DefaultBranch == "" || repo.FullName == "" {
		return Repository{}, fmt.Errorf("%s: the reply names no id, name or default branch", doing)
	}
	c.repo = &repo
	return repo, nil
}

// writers are the roles that may write, by the names of both fields that tell of them.
var writers = []string{"admin", "maintain", "write"}

// MayWrite reports whether a person may write to the repository, by themselves or through a team. Nobody that GitHub does
// not know as a collaborator may. The token needs metadata: read, which every token has.
func (c *Client) MayWrite(ctx context.Context, login string) (bool, error) {
	if !loginForm.MatchString(login) {
		return false, fmt.Errorf("asking for a permission: %q is no login", clip(login))
	}
	// role_name, and the permissions of the user, are newer than go-github's type.
	var reply struct {
		Permission string `json:"permission"`
		Role       string `json:"role_name"`
		User       *struct {
			Permissions struct{ Admin, Maintain, Push bool } `json:"permissions"`
		} `json:"user"`
	}
	req, err := c.api.NewRequest(http.MethodGet, c.path("/collaborators/%s/permission", url.PathEscape(login)), nil)
	if err == nil {
		_, err = c.api.Do(ctx, req, &reply)
	}
	if err = wrap(err, "asking for the permission of %s", login); err != nil {
		if errors.Is(err, ErrNotFound) {
			return false, nil
		}
		return false, err
	}
	if slices.Contains(writers, strings.ToLower(reply.Permission)) || slices.Contains(writers, strings.ToLower(reply.Role)) {
		return true, nil
	}
	return reply.User != nil && (reply.User.Permissions.Push || reply.User.Permissions.Maintain || reply.User.Permissions.Admin), nil
}
