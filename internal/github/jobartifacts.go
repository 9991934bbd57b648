package github

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"
)

// JobArtifacts are the artifacts of the run that this process is a job of: what upload-artifact and download-artifact
// speak with, version 4 of the protocol in packages/artifact of github.com/actions/toolkit. An artifact cannot be changed once it is
// there. GitHub gives the service to action steps (docker, node) alone, not to run steps. Methods may be called from several
// goroutines. No signed address appears in an error.
type JobArtifacts struct {
	client   *http.Client
	base     *url.URL // scheme and host
	token    string
	run, job string // ids of the service's own
}

// NewJobArtifacts reads ACTIONS_RUNTIME_TOKEN and ACTIONS_RESULTS_URL; ErrNoArtifacts says that one is not set, as outside of
// an action step. client lends its Transport; nil stands for the default one.
func NewJobArtifacts(getenv func(string) string, client *http.Client) (*JobArtifacts, error) {
	token, address := getenv("ACTIONS_RUNTIME_TOKEN"), getenv("ACTIONS_RESULTS_URL")
	if token == "" || address == "" {
		return nil, fmt.Errorf("%w: ACTIONS_RUNTIME_TOKEN or ACTIONS_RESULTS_URL is not set", ErrNoArtifacts)
	}
	u, err := url.Parse(address)
	if err != nil || u.Scheme != "https" && u.Scheme != "http" || u.Host == "" || u.User != nil {
		return nil, errors.New("ACTIONS_RESULTS_URL is not an address")
	}
	run, job, err := backendIDs(token)
	if err != nil {
		return nil, fmt.Errorf("ACTIONS_RUNTIME_TOKEN: %w", err)
	}
	next := http.DefaultTransport
	if client != nil && client.Transport != nil {
		next = client.Transport
	}
	none := func(*http.Request, []*http.Request) error { return errors.New("a redirect is not followed") }
	return &JobArtifacts{&http.Client{Transport: next, CheckRedirect: none}, &url.URL{Scheme: u.Scheme, Host: u.Host}, token, run, job}, nil
}

// backendIDs reads the scope Actions.Results:RUN:JOB out of the payload of a JWT, which the service signed for itself.
func backendIDs(token string) (run, job string, err error) {
	bad := errors.New("it names no run and job")
	parts := strings.Split(token, ".")
	if len(parts) != 3 || strings.ContainsFunc(token, func(r rune) bool { return r <= ' ' || r > '~' }) {
		return "", "", bad
	}
	text, err := base64.RawURLEncoding.DecodeString(strings.TrimRight(parts[1], "="))
	if err != nil {
		return "", "", bad
	}
	var claims struct {
		Scope string `json:"scp"`
	}
	if json.Unmarshal(text, &claims) != nil {
		return "", "", bad
	}
	for scope := range strings.FieldsSeq(claims.Scope) {
		if p := strings.Split(scope, ":"); len(p) == 3 && p[0] == "Actions.Results" && p[1] != "" && p[2] != "" {
			return p[1], p[2], nil
		}
	}
	return "", "", bad
}

// blockSize is how much of an archive is sent at a time.
const blockSize = 8 << 20

// artifactName is what the service takes, and no more than is sensible of it.
var artifactName = regexp.MustCompile(`^[A-Za-z0-9 ._()\[\]@+,=-]{1,255}$`)

// Upload packs files, by name with slashes, into an artifact and returns its id, under which Client.Download finds it. The
// same files make the same archive. It is kept for so many days, 0 for as many as the repository says. An artifact of that
// name in the run is an error that matches ErrExists.
func (a *JobArtifacts) Upload(ctx context.Context, name string, files map[string][]byte, days int) (int64, error) {
	doing := fmt.Sprintf("uploading the artifact %q", clip(name))
	if !artifactName.MatchString(name) || days < 0 || days > 400 {
		return 0, fmt.Errorf("%s: not a name of an artifact, or not a number of days", doing)
	}
	archive, err := pack(files)
	if err != nil {
		return 0, fmt.Errorf("%s: %w", doing, err)
	}
	request := a.about(name)
	request["version"] = 4
	if days > 0 {
		request["expires_at"] = time.Now().UTC().Add(time.Duration(days) * 24 * time.Hour).Format("2006-01-02T15:04:05.000Z")
	}
	reply, err := a.call(ctx, "CreateArtifact", request)
	if err != nil {
		return 0, fmt.Errorf("%s: %w", doing, err)
	}
	place, err := url.Parse(reply.text("signed_upload_url"))
	if err != nil || !reply.ok() {
		return 0, fmt.Errorf("%s: the service gives no place for it", doing)
	}
	if err := checkPlace(place, a.base.Scheme == "https"); err != nil {
		return 0, fmt.Errorf("%s: %w", doing, err)
	}
	if err := a.send(ctx, place, archive); err != nil {
		return 0, fmt.Errorf("%s: %w", doing, err)
	}
	sum := sha256.Sum256(archive)
	request = a.about(name)
	request["size"], request["hash"] = strconv.Itoa(len(archive)), "sha256:"+hex.EncodeToString(sum[:])
	reply, err = a.call(ctx, "FinalizeArtifact", request)
	if err != nil {
		return 0, fmt.Errorf("%s: %w", doing, err)
	}
	id, err := strconv.ParseInt(reply.text("artifact_id"), 10, 64)
	if err != nil || !reply.ok() {
		return 0, fmt.Errorf("%s: the service gives no id", doing)
	}
	return id, nil
}

// send uploads an archive in blocks, and the list of them, as Azure Storage has it.
func (a *JobArtifacts) send(ctx context.Context, place *url.URL, archive []byte) error {
	var list struct {
		XMLName xml.Name `xml:"BlockList"`
		Latest  []string
	}
	for n := 0; n*blockSize < len(archive); n++ {
		id := base64.StdEncoding.EncodeToString(fmt.Appendf(nil, "block-%08d", n))
		list.Latest = append(list.Latest, id)
		block := archive[n*blockSize : min((n+1)*blockSize, len(archive))]
		if err := a.put(ctx, place, "comp=block&blockid="+url.QueryEscape(id), block); err != nil {
			return err
		}
	}
	text, err := xml.Marshal(list)
	if err != nil {
		return err
	}
	return a.put(ctx, place, "comp=blocklist", append([]byte(xml.Header), text...))
}

// put sends a part to the store; the query is added as it is, since the signature covers what stands there.
func (a *JobArtifacts) put(ctx context.Context, place *url.URL, query string, body []byte) error {
	u := *place
	u.RawQuery = strings.TrimPrefix(u.RawQuery+"&"+query, "&")
	return persist(ctx, func(ctx context.Context) error {
		ctx, cancel := context.WithTimeoutCause(ctx, downloadTime, fmt.Errorf("not done within %s", downloadTime))
		defer cancel()
		req, err := http.NewRequestWithContext(ctx, http.MethodPut, u.String(), bytes.NewReader(body))
		if err != nil {
			return bare(err)
		}
		if query == "comp=blocklist" {
			req.Header.Set("Content-Type", "application/xml")
			req.Header.Set("X-Ms-Blob-Content-Type", "application/zip")
		} else {
			req.Header.Set("Content-Type", "application/octet-stream")
		}
		reply, err := a.client.Do(req)
		if err != nil {
			return bare(err)
		}
		defer reply.Body.Close()
		if reply.StatusCode != http.StatusCreated && reply.StatusCode != http.StatusOK {
			return storageError(reply)
		}
		_, _ = io.Copy(io.Discard, io.LimitReader(reply.Body, 1<<20))
		return nil
	})
}

// List returns the artifacts of the run, the newest first.
func (a *JobArtifacts) List(ctx context.Context) ([]Artifact, error) {
	reply, err := a.call(ctx, "ListArtifacts", a.about(""))
	if err != nil {
		return nil, fmt.Errorf("listing the run's artifacts: %w", err)
	}
	var entries []message
	if raw, ok := reply.field("artifacts"); ok && json.Unmarshal(raw, &entries) != nil {
		return nil, errors.New("listing the run's artifacts: the reply is no list")
	}
	list := make([]Artifact, 0, len(entries))
	for _, e := range entries {
		id, err := strconv.ParseInt(e.text("database_id"), 10, 64)
		size, _ := strconv.ParseInt(e.text("size"), 10, 64)          // left out when it is 0
		created, _ := time.Parse(time.RFC3339, e.text("created_at")) // not every server tells
		if err != nil || e.text("name") == "" {
			return nil, errors.New("listing the run's artifacts: one has no id or no name")
		}
		list = append(list, Artifact{ID: id, Name: e.text("name"), Size: size, Created: created})
	}
	slices.SortStableFunc(list, func(x, y Artifact) int { return y.Created.Compare(x.Created) })
	return list, nil
}

// Download returns the files of an artifact of the run, as Client.Download does; ErrNotFound where there is none of that name.
func (a *JobArtifacts) Download(ctx context.Context, name string, l Limits) (map[string][]byte, error) {
	doing := fmt.Sprintf("downloading the artifact %q", clip(name))
	reply, err := a.call(ctx, "GetSignedArtifactURL", a.about(name))
	if err != nil {
		return nil, fmt.Errorf("%s: %w", doing, err)
	}
	place, err := url.Parse(reply.text("signed_url"))
	if err != nil {
		return nil, fmt.Errorf("%s: the service names no place", doing)
	}
	files, err := fetch(ctx, a.client.Transport, place, a.base.Scheme == "https", l.withDefaults())
	if err != nil {
		return nil, fmt.Errorf("%s: %w", doing, err)
	}
	return files, nil
}

// message is a reply of the service, whose fields are named the_field or theField.
type message map[string]json.RawMessage

func (m message) field(name string) (json.RawMessage, bool) {
	if raw, ok := m[name]; ok {
		return raw, true
	}
	parts := strings.Split(name, "_")
	for i, p := range parts[1:] {
		parts[i+1] = strings.ToUpper(p[:1]) + p[1:]
	}
	raw, ok := m[strings.Join(parts, "")]
	return raw, ok
}

// text is a string, or a number as one; empty for anything else.
func (m message) text(name string) string {
	raw, _ := m.field(name)
	var s string
	if json.Unmarshal(raw, &s) == nil {
		return s
	}
	var n json.Number
	if json.Unmarshal(raw, &n) == nil {
		return n.String()
	}
	return ""
}

func (m message) ok() bool {
	raw, _ := m.field("ok")
	return string(raw) == "true"
}

// about is what every request says.
func (a *JobArtifacts) about(name string) map[string]any {
	request := map[string]any{"workflow_run_backend_id": a.run, "workflow_job_run_backend_id": a.job}
	if name != "" {
		request["name"] = name
	}
	return request
}

// call asks the service. What it is asked may be repeated: an artifact's name keeps a second one from being made.
func (a *JobArtifacts) call(ctx context.Context, method string, request map[string]any) (message, error) {
	text, err := json.Marshal(request)
	if err != nil {
		return nil, err
	}
	var answer message
	err = persist(ctx, func(ctx context.Context) error {
		ctx, cancel := context.WithTimeoutCause(ctx, timeout, fmt.Errorf("no reply within %s", timeout))
		defer cancel()
		u := *a.base
		u.Path = "/twirp/github.actions.results.api.v1.ArtifactService/" + method
		req, err := http.NewRequestWithContext(ctx, http.MethodPost, u.String(), bytes.NewReader(text))
		if err != nil {
			return bare(err)
		}
		req.Header.Set("Authorization", "Bearer "+a.token)
		req.Header.Set("Content-Type", "application/json")
		reply, err := a.client.Do(req)
		if err != nil {
			return bare(err)
		}
		defer reply.Body.Close()
		body, err := io.ReadAll(io.LimitReader(reply.Body, replyLimit))
		if err != nil {
			return bare(err)
		}
		if reply.StatusCode != http.StatusOK {
			var said struct {
				Msg string `json:"msg"`
			}
			_ = json.Unmarshal(body, &said)
			return &Error{"asking the artifact service (" + method + ")", reply.StatusCode, clip(said.Msg)}
		}
		if !utf8.Valid(body) || json.Unmarshal(body, &answer) != nil {
			return errors.New("the artifact service answers something else than JSON")
		}
		return nil
	})
	return answer, err
}
