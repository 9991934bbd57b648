package pipeline

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/tunegate/tunegate/internal/openaiapi"
	"github.com/tunegate/tunegate/internal/train"
)

// fault is why a leg got nothing from its provider, in words for a person.
type fault struct {
	reason  string
	todo    []string
	request string // the end of the reason that names this one request to the service, "" where none does
	shared  bool   // it is the provider's, and so every leg's
}

// fault words an error of a call to the leg's provider.
func (r *run) fault(l *leg, err error) fault {
	p := r.m.Providers[l.agent.Provider]
	who := r.who(l)
	f := fault{reason: brief(err)}
	var answer *openaiapi.Error
	if errors.As(err, &answer) && answer.RequestID != "" {
		f.request = ", request " + answer.RequestID
	}
	var silence *train.Silence
	switch {
	case errors.As(err, &silence):
		f.reason, f.shared = who+" "+silent(silence), true
		if mute(silence.Err) {
			f.todo = []string{fmt.Sprintf("see whether %s is the address of %s, and whether it can be reached from this machine", p.BaseURL, l.out.Provider)}
		}
	case errors.Is(err, context.DeadlineExceeded):
		f.reason, f.shared = who+" did not answer in time", true
	case answer != nil && answer.Status == http.StatusUnauthorized:
		f.shared = true
		said := strings.TrimPrefix(answer.Error(), "the service answered ")
		if p.APIKeyEnv == "" {
			f.reason = fmt.Sprintf("%s wants a key, and the manifest names none (%s)", who, said)
			f.todo = []string{fmt.Sprintf("name the variable that holds it: providers.%s.api_key_env", l.agent.Provider)}
			break
		}
		f.reason = fmt.Sprintf("%s refused the key in %s (%s)", who, p.APIKeyEnv, said)
		f.todo = []string{fmt.Sprintf("put a valid key for %s into %s", who, p.APIKeyEnv)}
	}
	return f
}

// silent says how long a provider has failed, and how.
func silent(s *train.Silence) string {
	now, ago := "fails", "has failed for "
	if mute(s.Err) {
		now, ago = "did not answer", "has not answered for "
	}
	if long := s.For.Round(time.Second); long >= 10*time.Second {
		now = ago + long.String()
	}
	return now + ": " + brief(s.Err)
}

// mute reports whether a request got no answer at all, not even a bad one.
func mute(err error) bool { return errors.As(err, new(*url.Error)) }

// brief is an error without the address of the request: the address is long, and another one for each leg.
func brief(err error) string {
	text := err.Error()
	var sent *url.Error
	if errors.As(err, &sent) {
		text = strings.Replace(text, sent.Error(), sent.Err.Error(), 1)
	}
	return text
}

// waiting says why a leg waits and until when.
func (r *run) waiting(l *leg, why error, again time.Duration) string {
	if errors.Is(why, train.ErrLag) {
		return fmt.Sprintf("looking for up to %v whether a job was just made that %s does not list yet", again.Round(time.Second), l.out.Provider)
	}
	var silence *train.Silence
	if !errors.As(why, &silence) {
		return fmt.Sprintf("no room for another job, asking again in %v: %s", again.Round(time.Second), brief(why))
	}
	who, then := r.who(l), fmt.Sprintf(", asking again in %v", max(again.Round(time.Second), time.Second))
	what := "no answer from " + who
	if long := silence.For.Round(time.Second); !mute(silence.Err) {
		what = who + " fails"
	} else if long > 3*time.Second {
		what = fmt.Sprintf("still %s after %v", what, long)
	}
	return what + then + ": " + brief(silence.Err)
}

// who is a leg's provider by its name and its address: one of the two may be what is wrong.
func (r *run) who(l *leg) string {
	if url := r.m.Providers[l.agent.Provider].BaseURL; url != "" {
		return fmt.Sprintf("%s (%s)", l.out.Provider, url)
	}
	return l.out.Provider
}

// unite takes the names of single requests out of the reasons of legs that ended alike but for them, so that they are told
// together. What happened to each, with that name, was told as it did.
func unite(legs []*leg) {
	plain := func(l *leg) string { return strings.Replace(l.out.Reasons[0], l.request, "", 1) }
	alike := map[string]int{}
	for _, l := range legs {
		if l.request != "" {
			alike[plain(l)]++
		}
	}
	for _, l := range legs {
		if l.request != "" && alike[plain(l)] > 1 {
			l.out.Reasons[0] = plain(l)
		}
	}
}
