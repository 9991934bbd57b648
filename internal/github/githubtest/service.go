package githubtest

import (
	"bytes"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"encoding/xml"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
)

// service is the artifact service that a job of a run is given, and the store behind it.
type service struct {
	key     []byte
	jobs    map[string]int64   // runs by their tokens
	uploads map[string]*upload // by id
	leaks   []string
}

// upload is an artifact that is not there yet.
type upload struct {
	run     int64
	name    string
	expires time.Time
	blocks  map[string][]byte
	archive []byte // committed
}

func (s *service) init() {
	s.key = []byte(rand.Text())
	s.jobs, s.uploads = map[string]int64{}, map[string]*upload{}
}

// sign makes a signature that is unlike a path: it holds what has to be escaped.
func (s *service) sign(parts ...string) string {
	h := hmac.New(sha256.New, s.key)
	_, _ = io.WriteString(h, strings.Join(parts, "\x00"))
	return url.QueryEscape(base64.StdEncoding.EncodeToString(h.Sum([]byte{0xff, 0xff})))
}

// JobEnvironment returns the two variables that a job of a run finds the artifact service by. Base is the address that Serve
// returned; empty for ResultsURL, which Client reaches.
func (f *Fake) JobEnvironment(run int64, base string) map[string]string {
	f.mu.Lock()
	defer f.mu.Unlock()
	if base == "" {
		base = ResultsURL
	}
	part := func(v any) string {
		text, err := json.Marshal(v)
		if err != nil {
			panic(err)
		}
		return base64.RawURLEncoding.EncodeToString(text)
	}
	token := part(map[string]any{"alg": "HS256", "typ": "JWT"}) + "." +
		part(map[string]any{"scp": fmt.Sprintf("Actions.GenericRead:x Actions.Results:run-%d:job-%d", run, f.next()), "orchid": rand.Text()})
	h := hmac.New(sha256.New, f.service.key)
	_, _ = io.WriteString(h, token)
	token += "." + base64.RawURLEncoding.EncodeToString(h.Sum(nil))
	f.service.jobs[token] = run
	return map[string]string{"ACTIONS_RUNTIME_TOKEN": token, "ACTIONS_RESULTS_URL": base + "/"}
}

// Leaks returns the addresses in the store of artifacts that were asked with a token, which they must not be sent.
func (f *Fake) Leaks() []string {
	f.mu.Lock()
	defer f.mu.Unlock()
	return slices.Clone(f.service.leaks)
}

// twirpError is a refusal of the service.
type twirpError struct {
	status    int
	code, msg string
}

var artifactName = regexp.MustCompile(`^[^":<>|*?\r\n\\/]{1,255}$`)

// serviceRequest holds the fields of all requests; an unknown one is refused.
type serviceRequest struct {
	Run      string  `json:"workflow_run_backend_id"`
	Job      string  `json:"workflow_job_run_backend_id"`
	Name     string  `json:"name"`
	Expires  string  `json:"expires_at"`
	Version  int     `json:"version"`
	Size     string  `json:"size"`
	Hash     string  `json:"hash"`
	NameOnly *string `json:"name_filter"`
}

func (f *Fake) serveService(w http.ResponseWriter, r *http.Request) {
	f.mu.Lock()
	defer f.mu.Unlock()
	reply, err := f.twirp(r)
	w.Header().Set("Content-Type", "application/json")
	if err != nil {
		w.WriteHeader(err.status)
		reply = map[string]any{"code": err.code, "msg": err.msg}
	}
	if f.camelCase {
		reply = camel(reply).(map[string]any)
	}
	text, e := json.Marshal(reply)
	if e != nil {
		panic(e)
	}
	_, _ = w.Write(text)
}

// camel renames fields from the_field to theField.
func camel(v any) any {
	switch v := v.(type) {
	case map[string]any:
		out := map[string]any{}
		for k, x := range v {
			parts := strings.Split(k, "_")
			for i, p := range parts[1:] {
				parts[i+1] = strings.ToUpper(p[:1]) + p[1:]
			}
			out[strings.Join(parts, "")] = camel(x)
		}
		return out
	case []any:
		for i := range v {
			v[i] = camel(v[i])
		}
	}
	return v
}

func (f *Fake) twirp(r *http.Request) (map[string]any, *twirpError) {
	s := &f.service
	token, _ := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer ")
	run, known := s.jobs[token]
	if !known {
		return nil, &twirpError{http.StatusUnauthorized, "unauthenticated", "unknown token"}
	}
	if r.Method != http.MethodPost || r.Header.Get("Content-Type") != "application/json" {
		return nil, &twirpError{http.StatusNotFound, "bad_route", "not a POST of JSON"}
	}
	var in serviceRequest
	d := json.NewDecoder(r.Body)
	d.DisallowUnknownFields()
	if err := d.Decode(&in); err != nil {
		return nil, &twirpError{http.StatusBadRequest, "malformed", err.Error()}
	}
	if !strings.Contains(decodeScope(token), "Actions.Results:"+in.Run+":"+in.Job) {
		return nil, &twirpError{http.StatusForbidden, "permission_denied", "ids of another job"}
	}
	switch method := r.URL.Path[strings.LastIndexByte(r.URL.Path, '/')+1:]; method {
	case "CreateArtifact":
		return f.createArtifact(r, run, in)
	case "FinalizeArtifact":
		return f.finalizeArtifact(run, in)
	case "ListArtifacts":
		list := []any{}
		for _, a := range f.artifacts {
			if a.Run == run && (in.NameOnly == nil || *in.NameOnly == a.Name) {
				list = append(list, map[string]any{"workflow_run_backend_id": in.Run, "workflow_job_run_backend_id": in.Job, "name": a.Name,
					"database_id": strconv.FormatInt(a.ID, 10), "size": strconv.Itoa(len(a.Archive)), "created_at": stamp(a.Created)})
			}
		}
		return map[string]any{"artifacts": list}, nil
	case "GetSignedArtifactURL":
		for _, a := range f.artifacts {
			if a.Run == run && a.Name == in.Name {
				return map[string]any{"signed_url": f.signed(r, "artifact", strconv.FormatInt(a.ID, 10))}, nil
			}
		}
		return nil, &twirpError{http.StatusNotFound, "not_found", "artifact not found"}
	default:
		return nil, &twirpError{http.StatusNotFound, "bad_route", "no such method"}
	}
}

func decodeScope(token string) string {
	parts := strings.Split(token, ".")
	text, err := base64.RawURLEncoding.DecodeString(parts[1])
	if err != nil {
		panic(err) // it is ours
	}
	return string(text)
}

func (f *Fake) createArtifact(r *http.Request, run int64, in serviceRequest) (map[string]any, *twirpError) {
	if !artifactName.MatchString(in.Name) || in.Version < 4 {
		return nil, &twirpError{http.StatusBadRequest, "invalid_argument", "name or version"}
	}
	taken := slices.ContainsFunc(f.artifacts, func(a *Artifact) bool { return a.Run == run && a.Name == in.Name })
	for _, u := range f.service.uploads {
		taken = taken || u.run == run && u.name == in.Name
	}
	if taken {
		return nil, &twirpError{http.StatusConflict, "already_exists", "an artifact with this name already exists on the workflow run"}
	}
	u := &upload{run: run, name: in.Name, blocks: map[string][]byte{}}
	if in.Expires != "" {
		t, err := time.Parse(time.RFC3339, in.Expires)
		if err != nil {
			return nil, &twirpError{http.StatusBadRequest, "malformed", "expires_at"}
		}
		u.expires = t
	}
	id := strconv.FormatInt(f.next(), 10)
	f.service.uploads[id] = u
	return map[string]any{"ok": true, "signed_upload_url": f.signed(r, "upload", id)}, nil
}

func (f *Fake) finalizeArtifact(run int64, in serviceRequest) (map[string]any, *twirpError) {
	for id, u := range f.service.uploads {
		if u.run != run || u.name != in.Name {
			continue
		}
		sum := sha256.Sum256(u.archive)
		if u.archive == nil || in.Size != strconv.Itoa(len(u.archive)) || in.Hash != "sha256:"+hex.EncodeToString(sum[:]) {
			return nil, &twirpError{http.StatusBadRequest, "invalid_argument", "size or hash"}
		}
		delete(f.service.uploads, id)
		a := f.addArtifact(Artifact{Name: u.name, Run: run, Archive: u.archive, Expires: u.expires})
		return map[string]any{"ok": true, "artifact_id": strconv.FormatInt(a.ID, 10)}, nil
	}
	return nil, &twirpError{http.StatusNotFound, "not_found", "artifact not found"}
}

// serveBlobs serves the store: PUT of blocks and of their list to an upload, GET of an artifact, each to who has the
// signature. A token is refused, as Azure refuses it, and counts as a leak.
func (f *Fake) serveBlobs(w http.ResponseWriter, r *http.Request) {
	f.mu.Lock()
	defer f.mu.Unlock()
	refuse := func(status int, code string) {
		w.Header().Set("X-Ms-Error-Code", code)
		w.WriteHeader(status)
		fmt.Fprintf(w, "<Error><Code>%s</Code><Detail>sig=%s</Detail></Error>", code, r.URL.Query().Get("sig"))
	}
	parts := strings.Split(strings.TrimPrefix(r.URL.Path, "/blobs/"), "/")
	body, err := io.ReadAll(r.Body)
	if err != nil || len(parts) != 2 {
		refuse(http.StatusBadRequest, "InvalidUri")
		return
	}
	kind, id, q := parts[0], parts[1], r.URL.Query()
	if r.Header.Get("Authorization") != "" {
		f.service.leaks = append(f.service.leaks, r.Method+" "+r.URL.Path)
		refuse(http.StatusBadRequest, "InvalidAuthenticationInfo")
		return
	}
	if want, err := url.QueryUnescape(f.service.sign(kind, id)); err != nil || q.Get("sig") != want {
		refuse(http.StatusForbidden, "AuthenticationFailed")
		return
	}
	switch u := f.service.uploads[id]; {
	case r.Method == http.MethodGet && kind == "artifact":
		i := slices.IndexFunc(f.artifacts, func(a *Artifact) bool { return strconv.FormatInt(a.ID, 10) == id })
		if i < 0 {
			refuse(http.StatusNotFound, "BlobNotFound")
			return
		}
		w.Header().Set("Content-Type", "application/zip")
		_, _ = w.Write(f.artifacts[i].Archive)
	case r.Method != http.MethodPut || kind != "upload" || u == nil:
		refuse(http.StatusNotFound, "BlobNotFound")
	case q.Get("comp") == "block":
		if _, err := base64.StdEncoding.DecodeString(q.Get("blockid")); err != nil || q.Get("blockid") == "" {
			refuse(http.StatusBadRequest, "InvalidQueryParameterValue")
			return
		}
		u.blocks[q.Get("blockid")] = body
		w.WriteHeader(http.StatusCreated)
	case q.Get("comp") == "blocklist":
		var list struct{ Latest []string }
		if xml.Unmarshal(body, &list) != nil {
			refuse(http.StatusBadRequest, "InvalidXmlDocument")
			return
		}
		var whole [][]byte
		for _, b := range list.Latest {
			block, there := u.blocks[b]
			if !there {
				refuse(http.StatusBadRequest, "InvalidBlockList")
				return
			}
			whole = append(whole, block)
		}
		u.archive = bytes.Join(whole, nil)
		w.WriteHeader(http.StatusCreated)
	default:
		refuse(http.StatusBadRequest, "MissingRequiredHeader") // a whole blob at once needs x-ms-blob-type
	}
}
