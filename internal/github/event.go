package github

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"regexp"
	"strconv"
	"strings"
	"unicode"
)

// Event is what started this run. A field that an event does not have is zero; one that it must have and lacks is an error
// of ReadEvent. Texts are as their writers left them, and hostile.
type Event struct {
	Name   string // pull_request, pull_request_target, issue_comment, merge_group, schedule, workflow_dispatch or push
	Action string // opened, synchronize, created, checks_requested, …

	Pull       int  // number of the pull request that the event is about; 0 for none, and for a comment on an issue
	Draft      bool // of pull_request and pull_request_target, as the next
	Retargeted bool // edited to go to another branch
	HeadSHA    string
	BaseSHA    string // pull_request, merge_group, and push (what the branch held before; zeros for a new one)
	HeadRef    string // a branch in pull_request and merge_group, else GITHUB_REF as it stands: refs/heads/main
	BaseRef    string // branch; without refs/heads/
	// HeadRepository is where the head of a pull request lives, "" when that repository is gone. Fork is true when it is not
	// this repository, or not known to be.
	HeadRepository string
	Fork           bool

	CommentID         int64 // of issue_comment, as the next four
	CommentBody       string
	CommentAuthor     string // login
	CommentAuthorType string // User, Bot, Organization
	CommentCreated    string // RFC 3339

	Sender     string // login of who or what caused the event
	SenderType string
	Inputs     map[string]string // of workflow_dispatch; a boolean is true or false

	RunID         int64
	RunAttempt    int
	RunURL        string // page of the run, .../actions/runs/ID; what SetStatus takes
	Repository    string // "owner/name"
	RepositoryID  int64
	DefaultBranch string // "" where the payload does not tell; Client.Repository knows
}

// eventLimit bounds a payload; GitHub's own bound is 25 MB.
const eventLimit = 32 << 20

// ReadEvent reads the event from what the runner sets: GITHUB_EVENT_NAME, GITHUB_EVENT_PATH, GITHUB_REPOSITORY and its id,
// GITHUB_SHA, GITHUB_REF, GITHUB_RUN_ID, GITHUB_RUN_ATTEMPT and GITHUB_SERVER_URL. ErrOtherEvent stands for an event that
// tunegate has no use for, such as an edited comment: an old comment that is edited must start nothing.
func ReadEvent(getenv func(string) string) (Event, error) {
	path := getenv("GITHUB_EVENT_PATH")
	if path == "" || getenv("GITHUB_EVENT_NAME") == "" {
		return Event{}, errors.New("reading the event: GITHUB_EVENT_NAME or GITHUB_EVENT_PATH is not set")
	}
	f, err := os.Open(path)
	if err != nil {
		return Event{}, fmt.Errorf("reading the event: %w", err)
	}
	defer f.Close()
	b, err := io.ReadAll(io.LimitReader(f, eventLimit+1))
	if err == nil && len(b) > eventLimit {
		err = fmt.Errorf("%w: more than %d MiB", ErrTooLarge, eventLimit>>20)
	}
	if err != nil {
		return Event{}, fmt.Errorf("reading the event: %w", err)
	}
	e, err := parseEvent(getenv, b)
	if err != nil {
		return Event{}, fmt.Errorf("reading the event %s: %w", clip(getenv("GITHUB_EVENT_NAME")), err)
	}
	return e, nil
}

type payloadUser struct{ Login, Type string }

type payloadRepository struct {
	ID            int64  `json:"id"`
	FullName      string `json:"full_name"`
	DefaultBranch string `json:"default_branch"`
}

type payloadBranch struct {
	SHA  string             `json:"sha"`
	Ref  string             `json:"ref"`
	Repo *payloadRepository `json:"repo"`
}

// payload is the part of GitHub's webhook payloads that is of use here.
type payload struct {
	Action      string `json:"action"`
	PullRequest *struct {
		Number int           `json:"number"`
		Draft  bool          `json:"draft"`
		Head   payloadBranch `json:"head"`
		Base   payloadBranch `json:"base"`
	} `json:"pull_request"`
	Issue *struct {
		Number      int       `json:"number"`
		PullRequest *struct{} `json:"pull_request"`
	} `json:"issue"`
	Comment *struct {
		ID        int64        `json:"id"`
		Body      string       `json:"body"`
		CreatedAt string       `json:"created_at"`
		User      *payloadUser `json:"user"`
	} `json:"comment"`
	MergeGroup *struct {
		HeadSHA string `json:"head_sha"`
		HeadRef string `json:"head_ref"`
		BaseSHA string `json:"base_sha"`
		BaseRef string `json:"base_ref"`
	} `json:"merge_group"`
	Changes struct {
		Base *struct{} `json:"base"`
	} `json:"changes"`
	Before     string             `json:"before"`
	After      string             `json:"after"`
	Inputs     map[string]any     `json:"inputs"`
	Repository *payloadRepository `json:"repository"`
	Sender     *payloadUser       `json:"sender"`
}

func parseEvent(getenv func(string) string, b []byte) (Event, error) {
	e := Event{Name: getenv("GITHUB_EVENT_NAME"), HeadRef: getenv("GITHUB_REF"), HeadSHA: getenv("GITHUB_SHA")}
	if err := e.readRun(getenv); err != nil {
		return Event{}, err
	}
	var p payload
	if err := json.Unmarshal(b, &p); err != nil {
		return Event{}, fmt.Errorf("the payload: %s", clip(err.Error()))
	}
	e.Action = p.Action
	if p.Sender != nil {
		e.Sender, e.SenderType = p.Sender.Login, p.Sender.Type
	}
	if p.Repository != nil {
		if p.Repository.FullName != "" && !strings.EqualFold(p.Repository.FullName, e.Repository) {
			return Event{}, fmt.Errorf("the payload is of the repository %q, GITHUB_REPOSITORY is %q", clip(p.Repository.FullName), e.Repository)
		}
		if e.RepositoryID == 0 {
			e.RepositoryID = p.Repository.ID
		}
		e.DefaultBranch = p.Repository.DefaultBranch
	}
	if err := e.read(p); err != nil {
		return Event{}, err
	}
	return e, e.check()
}

// readRun reads what is the same for all events.
func (e *Event) readRun(getenv func(string) string) error {
	e.Repository = getenv("GITHUB_REPOSITORY")
	if _, _, err := splitRepository(e.Repository); err != nil {
		return fmt.Errorf("GITHUB_REPOSITORY: %w", err)
	}
	number := func(name string, bits int) (int64, error) {
		text := getenv(name)
		if text == "" {
			return 0, nil
		}
		n, err := strconv.ParseInt(text, 10, bits)
		if err != nil || n < 0 {
			return 0, fmt.Errorf("%s: %q is not a number", name, clip(text))
		}
		return n, nil
	}
	id, err1 := number("GITHUB_REPOSITORY_ID", 64)
	run, err2 := number("GITHUB_RUN_ID", 64)
	attempt, err3 := number("GITHUB_RUN_ATTEMPT", 31)
	e.RepositoryID, e.RunID, e.RunAttempt = id, run, int(attempt)
	if server := strings.TrimSuffix(getenv("GITHUB_SERVER_URL"), "/"); run > 0 {
		if server == "" {
			server = "https://github.com"
		}
		e.RunURL = fmt.Sprintf("%s/%s/actions/runs/%d", server, e.Repository, run)
	}
	return errors.Join(err1, err2, err3)
}

// read takes from the payload what the event's name promises.
func (e *Event) read(p payload) error {
	switch e.Name {
	case "pull_request", "pull_request_target":
		q := p.PullRequest
		if q == nil || q.Number <= 0 {
			return errors.New("the payload names no pull request")
		}
		e.Pull, e.Draft, e.Retargeted = q.Number, q.Draft, p.Changes.Base != nil
		e.HeadSHA, e.HeadRef, e.BaseSHA, e.BaseRef = q.Head.SHA, q.Head.Ref, q.Base.SHA, q.Base.Ref
		e.Fork = true
		if r := q.Head.Repo; r != nil {
			e.HeadRepository = r.FullName
			e.Fork = !strings.EqualFold(r.FullName, e.Repository) || (r.ID != 0 && e.RepositoryID != 0 && r.ID != e.RepositoryID)
		}
	case "issue_comment":
		if p.Action != "created" {
			return fmt.Errorf("%w: a comment that was %q", ErrOtherEvent, clip(p.Action))
		}
		c := p.Comment
		if c == nil || c.ID <= 0 || c.User == nil || c.User.Login == "" || p.Issue == nil || p.Issue.Number <= 0 {
			return errors.New("the payload names no comment, its author or its issue")
		}
		e.CommentID, e.CommentBody, e.CommentAuthor, e.CommentAuthorType, e.CommentCreated = c.ID, c.Body, c.User.Login, c.User.Type, c.CreatedAt
		if p.Issue.PullRequest != nil {
			e.Pull = p.Issue.Number
		}
	case "merge_group":
		g := p.MergeGroup
		if g == nil {
			return errors.New("the payload names no merge group")
		}
		e.HeadSHA, e.HeadRef, e.BaseSHA, e.BaseRef = g.HeadSHA, branch(g.HeadRef), g.BaseSHA, branch(g.BaseRef)
	case "push":
		e.BaseSHA = p.Before
		if p.After != "" {
			e.HeadSHA = p.After
		}
	case "workflow_dispatch":
		e.Inputs = map[string]string{}
		for k, v := range p.Inputs {
			switch v := v.(type) {
			case string:
				e.Inputs[k] = v
			case bool:
				e.Inputs[k] = strconv.FormatBool(v)
			case float64:
				e.Inputs[k] = strconv.FormatFloat(v, 'f', -1, 64)
			case nil:
				e.Inputs[k] = ""
			default:
				return fmt.Errorf("the input %q is no text", clip(k))
			}
		}
	case "schedule":
	default:
		return ErrOtherEvent
	}
	return nil
}

func branch(ref string) string { return strings.TrimPrefix(ref, "refs/heads/") }

var (
	shaForm   = regexp.MustCompile(`^([0-9a-f]{40}|[0-9a-f]{64})$`)
	loginForm = regexp.MustCompile(`^[A-Za-z0-9_][A-Za-z0-9_-]{0,99}(\[bot\])?$`)
)

// check refuses values that no honest event has.
func (e *Event) check() error {
	sha := func(what, v string, need bool) error {
		if (need || v != "") && !shaForm.MatchString(v) {
			return fmt.Errorf("the %s SHA is %q", what, clip(v))
		}
		return nil
	}
	ref := func(what, v string, need bool) error {
		if v == "" && !need {
			return nil
		}
		if v == "" || len(v) > 1024 || v[0] == '-' || strings.ContainsFunc(v, func(r rune) bool {
			return unicode.IsSpace(r) || unicode.IsControl(r) || r == unicode.ReplacementChar
		}) {
			return fmt.Errorf("the %s ref is %q", what, clip(v))
		}
		return nil
	}
	login := func(what, v string) error {
		if v != "" && !loginForm.MatchString(v) {
			return fmt.Errorf("the %s is %q", what, clip(v))
		}
		return nil
	}
	pull := e.Name == "pull_request" || e.Name == "pull_request_target"
	both := pull || e.Name == "merge_group"
	errs := []error{
		sha("head", e.HeadSHA, both || e.Name == "push"), sha("base", e.BaseSHA, both || e.Name == "push"),
		ref("head", e.HeadRef, both), ref("base", e.BaseRef, both), ref("default branch's", e.DefaultBranch, false),
		login("comment's author", e.CommentAuthor), login("sender", e.Sender),
	}
	if e.HeadRepository != "" {
		if _, _, err := splitRepository(e.HeadRepository); err != nil {
			errs = append(errs, fmt.Errorf("the head: %w", err))
		}
	}
	return errors.Join(errs...)
}
