package openaiapi

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/tunegate/tunegate/internal/train"
)

// Error is a refusal by the service. Its texts are the service's, made fit to be shown.
type Error struct {
	Status     int // HTTP status
	Type, Code string
	Param      string
	Message    string
	RequestID  string
	RetryAfter time.Duration
}

func (e *Error) Error() string {
	s := fmt.Sprintf("the service answered %d", e.Status)
	if e.Message != "" {
		s += ": " + e.Message
	}
	if e.Code != "" {
		s += " (" + e.Code + ")"
	}
	if e.Param != "" && !strings.Contains(e.Message, e.Param) {
		s += ", about " + e.Param
	}
	if e.RequestID != "" {
		s += ", request " + e.RequestID
	}
	return s
}

// temporary reports whether the same request may succeed later. Being out of money or over a daily limit comes as
// 429 too, and does not pass in minutes.
func (e *Error) temporary() bool {
	switch e.Code {
	case "insufficient_quota", "daily_rate_limit_exceeded", "billing_hard_limit_reached":
		return false
	}
	return e.Status == http.StatusTooManyRequests || e.Status == http.StatusRequestTimeout || e.Status >= 500
}

// Refused implements bench.Refusal: too many requests, or a service that is too busy and says when to come back.
func (e *Error) Refused() (wait time.Duration, refused bool) {
	return e.RetryAfter, e.temporary() && (e.Status == http.StatusTooManyRequests || e.Status >= 500 && e.RetryAfter > 0)
}

// full reports whether a create was refused because too many jobs are running, or were made today. Which status and
// code say so differs from service to service.
func (e *Error) full() bool {
	switch {
	case e.Status == http.StatusTooManyRequests:
		return e.temporary() || e.Code == "daily_rate_limit_exceeded"
	case e.Status != http.StatusBadRequest && e.Status != http.StatusConflict && e.Status != http.StatusForbidden:
		return false
	}
	text := strings.ToLower(e.Message + " " + e.Code)
	said := func(words ...string) bool {
		return slices.ContainsFunc(words, func(w string) bool { return strings.Contains(text, w) })
	}
	return said("maximum", "limit", "too many") && said("active", "concurrent", "pending", "running", "simultaneous") && said("job", "fine-tun", "request")
}

// marked tells train which errors asking again would meet again: refusals that do not pass, and faults on this side.
func marked(err error) error {
	var e *Error
	if errors.As(err, &e) && !e.temporary() || errors.As(err, new(final)) {
		return train.Permanent(err)
	}
	return err
}

// readError makes an Error of a reply, whose body may be anything. veil takes the key out of a text: escaped as JSON may be, it
// can stand in one whose bytes do not show it.
func readError(r *http.Response, veil func(string) string) *Error {
	fit := func(s string) string { return printable(veil(s)) }
	e := &Error{Status: r.StatusCode, RequestID: fit(r.Header.Get("X-Request-Id")), RetryAfter: retryAfter(r.Header)}
	body, _ := io.ReadAll(io.LimitReader(r.Body, 64<<10))
	var reply struct {
		Error struct {
			Message json.RawMessage `json:"message"`
			Type    string          `json:"type"`
			Code    any             `json:"code"`
			Param   any             `json:"param"`
		} `json:"error"`
	}
	if json.Unmarshal(body, &reply) == nil && len(reply.Error.Message) > 0 {
		e.Type = fit(reply.Error.Type)
		if reply.Error.Code != nil {
			e.Code = fit(fmt.Sprint(reply.Error.Code))
		}
		if reply.Error.Param != nil {
			e.Param = fit(fmt.Sprint(reply.Error.Param))
		}
		var text string
		if json.Unmarshal(reply.Error.Message, &text) != nil {
			text = string(reply.Error.Message)
		}
		e.Message = fit(text)
	} else {
		e.Message = fit(string(body))
	}
	return e
}

// maxText is how many bytes of a service's text are kept.
const maxText = 500

// printable puts a service's text on one line of bounded length. Control characters could move a cursor, and at the start
// of a line a CI runner takes text for commands: line ends become spaces, what cannot be seen becomes U+FFFD.
func printable(s string) string {
	s = strings.Map(func(r rune) rune {
		if !unicode.IsPrint(r) {
			return utf8.RuneError
		}
		return r
	}, strings.Join(strings.Fields(s), " "))
	if len(s) <= maxText {
		return s
	}
	end := maxText
	for !utf8.RuneStart(s[end]) {
		end--
	}
	return s[:end] + "…"
}

func retryAfter(h http.Header) time.Duration {
	text := h.Get("Retry-After")
	if s, err := strconv.ParseFloat(text, 64); err == nil && s >= 0 && s < 1e6 {
		return time.Duration(s * float64(time.Second))
	}
	if t, err := http.ParseTime(text); err == nil {
		return max(time.Until(t), 0)
	}
	return 0
}
