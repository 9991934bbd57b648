package github

import (
	"cmp"
	"errors"
	"fmt"
	"net/url"
	"regexp"
	"strconv"
	"strings"
	"unicode/utf8"
)

// Sticky says which comment or issue is meant, and by whom it is written now. There is one for each Pipeline.
type Sticky struct {
	Pipeline string // any text
	Run      int64  // Event.RunID; an older run never overwrites what a newer one wrote
	Attempt  int    // of the run, likewise
	Seq      int    // of several writings in one attempt, ascending
	Author   string // login that the token writes as; empty for github-actions[bot]
}

// bodyLimit is GitHub's, of comments and of issues, in characters.
const bodyLimit = 65536

// markerForm is a marker of version 1. It counts at the very start of a body alone, since the rest may quote anything.
var markerForm = regexp.MustCompile(`^<!-- tunegate:(comment|issue)/1 pipeline=([A-Za-z0-9._~%+]*) run=([0-9]{1,18}) attempt=([0-9]{1,9}) seq=([0-9]{1,9}) -->(?:\r?\n|$)`)

// marker is the hidden first line of what tunegate writes. The pipeline's name is encoded so that nothing in it can end the
// marker: no dash, no angle bracket, no space.
func (s Sticky) marker(kind string) string {
	name := strings.ReplaceAll(url.QueryEscape(s.Pipeline), "-", "%2D")
	return fmt.Sprintf("<!-- tunegate:%s/1 pipeline=%s run=%d attempt=%d seq=%d -->\n", kind, name, s.Run, s.Attempt, s.Seq)
}

// Room is how many characters a body may have; the marker takes the others.
func (s Sticky) Room() int { return bodyLimit - utf8.RuneCountInString(s.marker("comment")) }

func (s Sticky) run() run { return run{s.Run, s.Attempt, s.Seq} }

func (s Sticky) author() string { return cmp.Or(s.Author, "github-actions[bot]") }

// check refuses what no marker can carry.
func (s Sticky) check(body string) error {
	if s.Run < 0 || s.Run > 999_999_999_999_999_999 || s.Attempt < 0 || s.Attempt > 999_999_999 || s.Seq < 0 || s.Seq > 999_999_999 {
		return errors.New("the run's numbers are out of range")
	}
	if n, room := utf8.RuneCountInString(body), s.Room(); n > room {
		return fmt.Errorf("the body is %w: %d characters, and there is room for %d", ErrTooLarge, n, room)
	}
	return nil
}

// written is a comment or an issue that bears a marker.
type written struct {
	id    int64
	title string // of an issue
	text  string // after the marker
	by    run
	body  string // whole
}

// parse takes a body for what the sticky means; false for anything else, whoever wrote it.
func (s Sticky) parse(kind, login, body string) (written, bool) {
	if !strings.EqualFold(login, s.author()) {
		return written{}, false
	}
	m := markerForm.FindStringSubmatch(body)
	if m == nil || m[1] != kind {
		return written{}, false
	}
	name, err := url.QueryUnescape(m[2])
	if err != nil || name != s.Pipeline {
		return written{}, false
	}
	w := written{text: body[len(m[0]):], body: body}
	w.by.id, _ = strconv.ParseInt(m[3], 10, 64) // digits that fit, by the pattern
	w.by.attempt, _ = strconv.Atoi(m[4])
	w.by.seq, _ = strconv.Atoi(m[5])
	return w, true
}

// same reports whether two texts are equal but for their line ends and the space around them, which GitHub may change.
func same(a, b string) bool {
	plain := func(s string) string { return strings.TrimSpace(strings.ReplaceAll(s, "\r\n", "\n")) }
	return plain(a) == plain(b)
}
