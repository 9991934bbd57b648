package github

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"unicode"

	gh "github.com/google/go-github/v60/github"
)

// What callers tell apart. An error of this package matches one by errors.Is.
var (
	ErrForbidden     = errors.New("forbidden")            // 401, 403: the token may not, as that of a fork's pull request
	ErrNotFound      = errors.New("not found")            // 404: not there, or not to be seen with this token
	ErrGone          = errors.New("gone")                 // 410: an artifact that expired, an issue that was deleted
	ErrUnprocessable = errors.New("unprocessable")        // 422: GitHub does not take what was sent
	ErrRateLimited   = errors.New("rate limited")         // longer than Config.Patience
	ErrTooLarge      = errors.New("too large")            // above a limit of GitHub's or of the caller's
	ErrNoArtifacts   = errors.New("no artifact service")  // this process does not run in a step that is given one
	ErrExists        = errors.New("there already")        // 409 of the artifact service
	ErrOtherEvent    = errors.New("not an event to obey") // by ReadEvent
)

// Error is a refusal by GitHub.
type Error struct {
	Doing   string // what was being done, such as "setting the status tunegate/gate of 1a2b3c4"
	Status  int    // of HTTP
	Message string // GitHub's, one line of at most 300 characters
}

func (e *Error) Error() string {
	s := fmt.Sprintf("%s: %d %s", e.Doing, e.Status, http.StatusText(e.Status))
	if e.Message != "" {
		s += ": " + e.Message
	}
	return s
}

// Is reports whether the status is what the sentinel stands for.
func (e *Error) Is(target error) bool {
	switch target {
	case ErrForbidden:
		return e.Status == http.StatusForbidden || e.Status == http.StatusUnauthorized
	case ErrNotFound:
		return e.Status == http.StatusNotFound
	case ErrGone:
		return e.Status == http.StatusGone
	case ErrExists:
		return e.Status == http.StatusConflict
	case ErrUnprocessable:
		return e.Status == http.StatusUnprocessableEntity
	}
	return false
}

// wrap says what was being done when err came up; nil stays nil, and so does the 202 that go-github takes for an error.
func wrap(err error, doing string, args ...any) error {
	if err == nil || errors.As(err, new(*gh.AcceptedError)) {
		return nil
	}
	doing = fmt.Sprintf(doing, args...)
	var refused *gh.ErrorResponse
	if errors.As(err, &refused) && refused.Response != nil {
		message := refused.Message
		for _, e := range refused.Errors {
			if detail := strings.TrimSpace(e.Field + " " + or(e.Message, e.Code)); detail != "" {
				message += "; " + detail
			}
		}
		return &Error{doing, refused.Response.StatusCode, clip(message)}
	}
	return fmt.Errorf("%s: %w", doing, bare(err))
}

func or(a, b string) string {
	if a != "" {
		return a
	}
	return b
}

// bare takes the URL out of an error of net/http: it says nothing that "doing" does not, and signed ones are secrets.
func bare(err error) error {
	if errors.Is(err, context.Canceled) && !errors.Is(err, errLost) {
		return context.Canceled
	}
	for {
		var u *url.Error
		if !errors.As(err, &u) {
			return err
		}
		err = u.Err
	}
}

// settled reports whether a create that failed was certainly not carried out, or certainly refused.
func settled(err error) bool {
	var refused *Error
	if errors.As(err, &refused) {
		return refused.Status < 500
	}
	return !errors.Is(err, errLost)
}

var signature = regexp.MustCompile(`(?i)\b(sig|signature|token)=[^&\s"'<>]*`)

// clip makes one short line of what a stranger wrote, for an error message.
func clip(s string) string {
	const most = 300
	s = strings.ToValidUTF8(s, "\ufffd")
	s = strings.Map(func(r rune) rune {
		if unicode.IsControl(r) || !unicode.IsPrint(r) {
			return ' '
		}
		return r
	}, s)
	s = signature.ReplaceAllString(strings.Join(strings.Fields(s), " "), "$1=***")
	if r := []rune(s); len(r) > most {
		s = string(r[:most-1]) + "…"
	}
	return s
}

// short is a SHA as people write it.
func short(sha string) string {
	if len(sha) > 7 {
		return sha[:7]
	}
	return sha
}
