package github

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"time"

	gh "github.com/google/go-github/v60/github"
)

// Artifact is what a run of a workflow left.
type Artifact struct {
	ID      int64
	Name    string
	Size    int64 // bytes, packed
	Created time.Time
	Run     int64  // id of the run; 0 from JobArtifacts.List, where it is this one
	HeadSHA string // of the run; empty from JobArtifacts.List
}

// artifactPages bounds how many pages of artifacts are read: forks may have left any number under a name.
const artifactPages = 10

// TrustedArtifacts returns the artifacts of that name that the repository's default branch left, the newest first, at most
// limit of them. One that expired is not among them, nor is one of a run on a fork's commits, on another branch, or of a run
// that is gone: anybody can have a workflow upload an artifact of the right name from a fork.
func (c *Client) TrustedArtifacts(ctx context.Context, name string, limit int) ([]Artifact, error) {
	repo, err := c.Repository(ctx)
	if err != nil {
		return nil, err
	}
	doing := fmt.Sprintf("listing the artifacts %q", clip(name))
	var trusted []Artifact
	for page := 1; page <= artifactPages; page++ {
		// go-github's call has no name to filter by.
		var reply struct {
			Artifacts []struct {
				ID      int64     `json:"id"`
				Name    string    `json:"name"`
				Size    int64     `json:"size_in_bytes"`
				Expired bool      `json:"expired"`
				Created time.Time `json:"created_at"`
				Run     *struct {
					ID               int64  `json:"id"`
					RepositoryID     int64  `json:"repository_id"`
					HeadRepositoryID int64  `json:"head_repository_id"`
					HeadBranch       string `json:"head_branch"`
					HeadSHA          string `json:"head_sha"`
				} `json:"workflow_run"`
			} `json:"artifacts"`
		}
		query := url.Values{"name": {name}, "per_page": {strconv.Itoa(perPage)}, "page": {strconv.Itoa(page)}}
		req, err := c.api.NewRequest(http.MethodGet, c.path("/actions/artifacts?%s", query.Encode()), nil)
		if err != nil {
			return nil, wrap(err, "%s", doing)
		}
		response, err := c.api.Do(ctx, req, &reply)
		if err != nil {
			return nil, wrap(err, "%s", doing)
		}
		for _, a := range reply.Artifacts {
			if a.Name == name && !a.Expired && a.ID > 0 && a.Run != nil && a.Run.ID > 0 && a.Run.RepositoryID == repo.ID &&
				a.Run.HeadRepositoryID == repo.ID && a.Run.HeadBranch == repo.DefaultBranch {
				trusted = append(trusted, Artifact{a.ID, a.Name, a.Size, a.Created, a.Run.ID, a.Run.HeadSHA})
			}
		}
		// The list is the newest first.
		if len(trusted) >= limit || response.NextPage <= page || len(reply.Artifacts) == 0 {
			break
		}
	}
	slices.SortStableFunc(trusted, func(a, b Artifact) int {
		return cmp.Or(b.Created.Compare(a.Created), cmp.Compare(b.ID, a.ID))
	})
	return trusted[:min(limit, len(trusted))], nil
}

// downloadTime bounds one download of an artifact.
const downloadTime = 5 * time.Minute

// Download returns the files of an artifact, by name with slashes. Where the archive lies is another host, which is not
// sent the token. ErrGone stands for an artifact that expired, ErrTooLarge for one above a limit. An archive with a name
// that leads elsewhere, a link, or one name twice is an error as a whole.
func (c *Client) Download(ctx context.Context, id int64, l Limits) (map[string][]byte, error) {
	doing := fmt.Sprintf("downloading artifact %d", id)
	req, err := c.api.NewRequest(http.MethodGet, c.path("/actions/artifacts/%d/zip", id), nil)
	if err != nil {
		return nil, wrap(err, "%s", doing)
	}
	// Through the transport and not the client of net/http, which would follow.
	reply, err := c.wire.RoundTrip(req.WithContext(ctx))
	if err != nil {
		return nil, wrap(err, "%s", doing)
	}
	if reply.StatusCode != http.StatusFound {
		if err := gh.CheckResponse(reply); err != nil {
			return nil, wrap(err, "%s", doing)
		}
		return nil, fmt.Errorf("%s: the reply names no place", doing)
	}
	place, err := reply.Location()
	if err != nil {
		return nil, fmt.Errorf("%s: the reply names no place", doing)
	}
	files, err := fetch(ctx, c.wire.next, place, c.wire.base.Scheme == "https", l.withDefaults())
	if err != nil {
		return nil, fmt.Errorf("%s: %w", doing, err)
	}
	return files, nil
}

// fetch gets an archive from a signed address, which is a secret, and unpacks it.
func fetch(ctx context.Context, next http.RoundTripper, place *url.URL, safely bool, l Limits) (map[string][]byte, error) {
	if err := checkPlace(place, safely); err != nil {
		return nil, err
	}
	var archive []byte
	err := persist(ctx, func(ctx context.Context) error {
		ctx, cancel := context.WithTimeoutCause(ctx, downloadTime, fmt.Errorf("not done within %s", downloadTime))
		defer cancel()
		req, err := http.NewRequestWithContext(ctx, http.MethodGet, place.String(), nil)
		if err != nil {
			return bare(err)
		}
		// Not followed by a client of net/http: its Referer would tell the address.
		reply, err := next.RoundTrip(req)
		if err != nil {
			return bare(err)
		}
		defer reply.Body.Close()
		if reply.StatusCode != http.StatusOK {
			return storageError(reply)
		}
		if reply.ContentLength > l.Packed {
			return fmt.Errorf("the archive is %w: %d bytes, and %d may be", ErrTooLarge, reply.ContentLength, l.Packed)
		}
		archive, err = io.ReadAll(io.LimitReader(reply.Body, l.Packed+1))
		if err != nil {
			return bare(err)
		}
		if int64(len(archive)) > l.Packed {
			return fmt.Errorf("the archive is %w: more than %d bytes", ErrTooLarge, l.Packed)
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	return unpack(archive, l)
}

// checkPlace refuses an address that is not one of the web, or less safe than the one that led to it.
func checkPlace(u *url.URL, safely bool) error {
	if u.Scheme != "https" && (safely || u.Scheme != "http") || u.Host == "" || u.User != nil {
		return errors.New("the place that it lies at is not a safe address")
	}
	return nil
}

// storageError is the refusal of a blob store; its text may repeat the signed address and is not told.
func storageError(reply *http.Response) error {
	_, _ = io.Copy(io.Discard, io.LimitReader(reply.Body, 1<<20))
	return &Error{"asking the store of artifacts", reply.StatusCode, clip(reply.Header.Get("X-Ms-Error-Code"))}
}

// persist does a thing that may be repeated until it works, five times at most, as GitHub's own client does.
func persist(ctx context.Context, do func(context.Context) error) error {
	wait := 3 * time.Second
	for n := 1; ; n++ {
		err := do(ctx)
		var refused *Error
		if err == nil || n == 5 || ctx.Err() != nil || errors.Is(err, ErrTooLarge) ||
			errors.As(err, &refused) && refused.Status < 500 && refused.Status != http.StatusTooManyRequests {
			return err
		}
		if err := pause(ctx, wait); err != nil {
			return err
		}
		wait = wait * 3 / 2
	}
}
