package githubtest

import (
	"archive/zip"
	"bytes"
	"fmt"
	"maps"
	"net"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Artifact is an artifact of a run.
type Artifact struct {
	ID      int64
	Name    string
	Run     int64
	Archive []byte // zip
	Created time.Time
	Expires time.Time // zero for 90 days after Created
	Expired bool
}

// Zip packs files as they are named, safe or not, for archives of a test.
func Zip(files map[string]string) []byte {
	var out bytes.Buffer
	z := zip.NewWriter(&out)
	for _, name := range slices.Sorted(maps.Keys(files)) {
		w, err := z.Create(name)
		if err == nil {
			_, err = w.Write([]byte(files[name]))
		}
		if err != nil {
			panic(err) // the writer is memory
		}
	}
	if err := z.Close(); err != nil {
		panic(err)
	}
	return out.Bytes()
}

// AddArtifact adds an artifact of a run and returns its id. A zero Created is now.
func (f *Fake) AddArtifact(a Artifact) int64 {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.addArtifact(a).ID
}

func (f *Fake) addArtifact(a Artifact) *Artifact {
	a.ID = f.next()
	if a.Created.IsZero() {
		a.Created = now()
	}
	if a.Expires.IsZero() {
		a.Expires = a.Created.Add(90 * 24 * time.Hour)
	}
	f.artifacts = append(f.artifacts, &a)
	return &a
}

// Artifacts returns the artifacts of all runs, those that were uploaded to the artifact service too, the oldest first.
func (f *Fake) Artifacts() []Artifact {
	f.mu.Lock()
	defer f.mu.Unlock()
	var list []Artifact
	for _, a := range f.artifacts {
		list = append(list, *a)
	}
	return list
}

func (f *Fake) artifact(a *Artifact) map[string]any {
	url := fmt.Sprintf("%s/repos/%s/actions/artifacts/%d", APIURL, f.Repository, a.ID)
	m := map[string]any{
		"id": a.ID, "node_id": node("A", a.ID), "name": a.Name, "size_in_bytes": len(a.Archive), "url": url, "archive_download_url": url + "/zip",
		"expired": a.Expired, "created_at": stamp(a.Created), "updated_at": stamp(a.Created), "expires_at": stamp(a.Expires), "workflow_run": nil,
	}
	if r := f.runs[a.Run]; r != nil {
		m["workflow_run"] = map[string]any{
			"id": r.ID, "repository_id": f.RepositoryID, "head_repository_id": f.repoID(r.HeadRepository), "head_branch": r.HeadBranch, "head_sha": r.HeadSHA,
		}
	}
	return m
}

func listArtifacts(c *call) {
	name := c.r.URL.Query().Get("name")
	var some []*Artifact
	for _, a := range slices.Backward(c.f.artifacts) {
		if name == "" || a.Name == name {
			some = append(some, a)
		}
	}
	list := []any{}
	for _, a := range page(c, some) {
		list = append(list, c.f.artifact(a))
	}
	c.answer(http.StatusOK, map[string]any{"total_count": len(some), "artifacts": list})
}

func downloadArtifact(c *call) {
	id := c.number("id")
	i := slices.IndexFunc(c.f.artifacts, func(a *Artifact) bool { return a.ID == id })
	switch {
	case i < 0 || c.r.PathValue("format") != "zip":
		c.missing()
	case c.f.artifacts[i].Expired:
		c.refuse(http.StatusGone, "Artifact has expired")
	default:
		c.header.Set("Location", c.f.signed(c.r, "artifact", strconv.FormatInt(id, 10)))
		c.answer(http.StatusFound, nil)
	}
}

func deleteArtifact(c *call) {
	id := c.number("id")
	i := slices.IndexFunc(c.f.artifacts, func(a *Artifact) bool { return a.ID == id })
	if i < 0 {
		c.missing()
		return
	}
	c.f.artifacts = slices.Delete(c.f.artifacts, i, i+1)
	c.answer(http.StatusNoContent, nil)
}

// signed is an address in the store, on another host than that of the request, which opens without a token.
func (f *Fake) signed(r *http.Request, kind, id string) string {
	host := blobsHost
	if !strings.HasSuffix(r.Host, ".test") {
		// One port, two names.
		other := "localhost"
		name, port, err := net.SplitHostPort(r.Host)
		if err == nil && name == other {
			other = "127.0.0.1"
		}
		host = net.JoinHostPort(other, port)
	}
	key := f.service.sign(kind, id)
	return fmt.Sprintf("%s://%s/blobs/%s/%s?sv=2025-01-01&sig=%s", scheme(r), host, kind, id, key)
}
