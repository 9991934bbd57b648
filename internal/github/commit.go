package github

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
)

// Commit returns the SHA of the commit that a branch, a tag or the beginning of a SHA stands for.
func (c *Client) Commit(ctx context.Context, ref string) (string, error) {
	commit, _, err := c.api.Repositories.GetCommit(ctx, c.owner, c.name, url.PathEscape(ref), nil)
	if err != nil {
		return "", wrap(err, "asking for the commit of %q", clip(ref))
	}
	if sha := commit.GetSHA(); shaForm.MatchString(sha) {
		return sha, nil
	}
	return "", fmt.Errorf("asking for the commit of %q: the reply names no SHA", clip(ref))
}

// DeleteArtifact removes an artifact. One that is gone already is no error.
func (c *Client) DeleteArtifact(ctx context.Context, id int64) error {
	req, err := c.api.NewRequest(http.MethodDelete, c.path("/actions/artifacts/%d", id), nil)
	if err == nil {
		_, err = c.api.Do(ctx, req, nil)
	}
	if err = wrap(err, "deleting artifact %d", id); errors.Is(err, ErrNotFound) || errors.Is(err, ErrGone) {
		return nil
	}
	return err
}

// RunOf returns the id of the run of this repository whose page an address is; 0 when it is none.
func (c *Client) RunOf(address string) int64 { return c.runOf(address).id }
