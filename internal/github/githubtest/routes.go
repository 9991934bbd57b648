package githubtest

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"
)

// call is one call of the API: who makes it, and what it answers.
type call struct {
	f     *Fake
	r     *http.Request
	who   Token
	login string

	status int
	header http.Header
	reply  any // nil for no body
}

// refuse answers as GitHub does, with details for a 422.
func (c *call) refuse(status int, message string, details ...map[string]any) {
	c.status = status
	body := map[string]any{"message": message, "documentation_url": "https://docs.github.com/rest", "status": strconv.Itoa(status)}
	if len(details) > 0 {
		body["errors"] = details
	}
	c.reply = body
}

func (c *call) invalid(resource, field, message string) {
	c.refuse(http.StatusUnprocessableEntity, "Validation Failed", map[string]any{"resource": resource, "field": field, "code": "custom", "message": message})
}

func (c *call) missing() { c.refuse(http.StatusNotFound, "Not Found") }

func (c *call) answer(status int, reply any) { c.status, c.reply = status, reply }

// read decodes the body of a request; a refusal is written where it is no JSON of that form.
func (c *call) read(into any) bool {
	if err := json.NewDecoder(c.r.Body).Decode(into); err != nil {
		c.refuse(http.StatusBadRequest, "Problems parsing JSON")
		return false
	}
	return true
}

// number is a number in the path; no id is 0.
func (c *call) number(name string) int64 {
	n, err := strconv.ParseInt(c.r.PathValue(name), 10, 64)
	if err != nil || n < 0 {
		return 0
	}
	return n
}

// maxBody is the length that texts of comments and issues have at most, in characters.
const maxBody = 65536

func tooLong(s string, most int) bool { return utf8.RuneCountInString(s) > most }

// page cuts a list to the page that was asked for and links to the others.
func page[T any](c *call, all []T) []T {
	q := c.r.URL.Query()
	size, err := strconv.Atoi(q.Get("per_page"))
	if err != nil || size < 1 {
		size = 30
	}
	size = min(size, 100)
	n, err := strconv.Atoi(q.Get("page"))
	if err != nil || n < 1 {
		n = 1
	}
	last := max(1, (len(all)+size-1)/size)
	var links []string
	link := func(to int, rel string) {
		q.Set("page", strconv.Itoa(to))
		u := url.URL{Scheme: scheme(c.r), Host: c.r.Host, Path: c.r.URL.Path, RawQuery: q.Encode()}
		links = append(links, fmt.Sprintf(`<%s>; rel="%s"`, u.String(), rel))
	}
	if n < last {
		link(n+1, "next")
		link(last, "last")
	}
	if n > 1 {
		link(n-1, "prev")
		link(1, "first")
	}
	if len(links) > 0 {
		c.header.Set("Link", strings.Join(links, ", "))
	}
	from := min((n-1)*size, len(all))
	return all[from:min(from+size, len(all))]
}

func scheme(r *http.Request) string {
	if r.TLS == nil && !strings.HasSuffix(r.Host, ".test") {
		return "http"
	}
	return "https"
}

// routes are the calls of the API, each with the permission that it needs: "" for none, which every token has.
func (f *Fake) routes() http.Handler {
	mux := http.NewServeMux()
	route := func(pattern, permission string, do func(*call)) {
		method, path, _ := strings.Cut(pattern, " ")
		mux.HandleFunc(method+" /repos/{owner}/{repo}"+path, func(w http.ResponseWriter, r *http.Request) { f.serve(w, r, permission, do) })
	}
	route("GET ", "", getRepository)
	route("GET /collaborators/{login}/permission", "", getPermission)
	route("GET /contents/{path...}", "contents", getContents)
	route("GET /pulls/{number}", "pull-requests", getPull)
	route("GET /pulls/{number}/files", "pull-requests", listPullFiles)
	route("GET /compare/{basehead}", "contents", compare)
	route("GET /issues/{number}/{id}", "issues|pull-requests", getComments)
	route("POST /issues/{number}/comments", "issues|pull-requests", createComment)
	route("PATCH /issues/comments/{id}", "issues|pull-requests", editComment)
	route("DELETE /issues/comments/{id}", "issues|pull-requests", deleteComment)
	route("POST /issues/comments/{id}/reactions", "issues|pull-requests", react)
	route("GET /issues", "issues", listIssues)
	route("POST /issues", "issues", createIssue)
	route("PATCH /issues/{number}", "issues", editIssue)
	route("POST /statuses/{sha}", "statuses", createStatus)
	route("GET /commits/{ref}", "contents", getCommit)
	route("GET /commits/{ref}/status", "statuses", combinedStatus)
	route("POST /check-runs", "checks", createCheck)
	route("PATCH /check-runs/{id}", "checks", updateCheck)
	route("GET /actions/workflows/{file}", "actions", getWorkflow)
	route("PUT /actions/workflows/{file}/enable", "actions", enableWorkflow)
	route("PUT /actions/workflows/{file}/disable", "actions", disableWorkflow)
	route("POST /actions/workflows/{file}/dispatches", "actions", dispatchWorkflow)
	route("GET /actions/runs/{id}", "actions", getRun)
	route("POST /actions/runs/{id}/cancel", "actions", cancelRun)
	route("GET /actions/artifacts", "actions", listArtifacts)
	route("GET /actions/artifacts/{id}/{format}", "actions", downloadArtifact)
	route("DELETE /actions/artifacts/{id}", "actions", deleteArtifact)
	mux.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) { f.serve(w, r, "", (*call).missing) })
	return mux
}

// serve does what all calls have in common: token, limits, permission, and the record.
func (f *Fake) serve(w http.ResponseWriter, r *http.Request, permission string, do func(*call)) {
	f.mu.Lock()
	defer f.mu.Unlock()
	c := &call{f: f, r: r, header: w.Header()}
	secret, _ := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer ")
	who, known := f.tokens[secret]
	c.who, c.login = who, who.Login
	owner := r.PathValue("owner") + "/" + r.PathValue("repo")
	switch {
	case !known:
		c.refuse(http.StatusUnauthorized, "Bad credentials")
	case f.limits.refuse(c):
	case owner != "/" && !strings.EqualFold(owner, f.Repository):
		c.missing()
	case !may(who, permission, r.Method):
		c.refuse(http.StatusForbidden, "Resource not accessible by integration")
	default:
		do(c)
	}
	f.requests = append(f.requests, Request{r.Method, r.URL.RequestURI(), c.login, c.status})
	w.Header().Set("Date", now().Format(http.TimeFormat))
	w.Header().Set("X-GitHub-Request-Id", strconv.Itoa(len(f.requests)))
	if c.reply == nil {
		w.WriteHeader(c.status)
		return
	}
	text, err := json.Marshal(c.reply)
	if err != nil {
		panic(err)
	}
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(c.status)
	_, _ = w.Write(text)
}

// may reports whether a token has one of the permissions, separated by bars, as far as the method needs it.
func may(who Token, permission, method string) bool {
	if permission == "" {
		return true
	}
	for p := range strings.SplitSeq(permission, "|") {
		if have := who.Permissions[p]; have == "write" || have == "read" && method == http.MethodGet {
			return true
		}
	}
	return false
}

// limits are the rate limits, as a test has set them.
type limits struct {
	primary    int       // what GitHub grants
	scripted   bool      // whether remaining counts
	remaining  int       // requests that are left
	reset      time.Time // when there are more again
	secondary  int       // requests to refuse
	retryAfter time.Duration
	status     int
}

// LimitRate leaves so many requests until the primary limit; from reset on there are as many as ever.
func (f *Fake) LimitRate(remaining int, reset time.Time) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.limits.scripted, f.limits.remaining, f.limits.reset = true, remaining, reset
}

// LimitSecondary refuses the next requests for a secondary limit, with a status of 403 or 429. RetryAfter of 0 sends no
// Retry-After header.
func (f *Fake) LimitSecondary(requests, status int, retryAfter time.Duration) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.limits.secondary, f.limits.status, f.limits.retryAfter = requests, status, retryAfter
}

// refuse counts a request and refuses it where a limit is reached.
func (l *limits) refuse(c *call) bool {
	if l.secondary > 0 {
		l.secondary--
		if l.retryAfter > 0 {
			c.header.Set("Retry-After", strconv.Itoa(int(l.retryAfter/time.Second)))
		}
		c.refuse(l.status, "You have exceeded a secondary rate limit. Please wait a few minutes before you try again.")
		return true
	}
	if l.scripted && !time.Now().Before(l.reset) {
		l.scripted = false
	}
	if !l.scripted {
		return false
	}
	refused := l.remaining == 0
	l.remaining = max(0, l.remaining-1)
	c.header.Set("X-RateLimit-Limit", strconv.Itoa(l.primary))
	c.header.Set("X-RateLimit-Remaining", strconv.Itoa(l.remaining))
	c.header.Set("X-RateLimit-Reset", strconv.FormatInt(l.reset.Unix(), 10))
	c.header.Set("X-RateLimit-Resource", "core")
	if refused {
		c.refuse(http.StatusForbidden, "API rate limit exceeded for installation.")
	}
	return refused
}
