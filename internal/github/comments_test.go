package github_test

import (
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"
	"unicode/utf8"

	"github.com/tunegate/tunegate/internal/github"
	"github.com/tunegate/tunegate/internal/github/githubtest"
)

func sticky(run int64) github.Sticky { return github.Sticky{Pipeline: "week-2", Run: run, Attempt: 1} }

// text is a comment's without its marker.
func text(t *testing.T, c githubtest.Comment) string {
	t.Helper()
	first, rest, ok := strings.Cut(c.Body, "\n")
	if !ok || !strings.HasPrefix(first, "<!-- tunegate:comment/1 ") || !strings.HasSuffix(first, " -->") {
		t.Errorf("%q has no marker", c.Body)
	}
	return rest
}

func TestUpsert(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f, c, _ := stage(t)
		ctx := t.Context()
		put := func(s github.Sticky, body string) int64 {
			t.Helper()
			id, err := c.Upsert(ctx, 7, s, body)
			check(t, err)
			return id
		}
		first := put(sticky(10), "planned")
		writes := len(f.Writes())
		put(sticky(10), "planned")
		put(sticky(11), "planned\r\n") // the same text of a later run
		if n := len(f.Writes()); n != writes {
			t.Errorf("an unchanged comment was written %d times", n-writes)
		}
		if id := put(sticky(12), "done"); id != first {
			t.Errorf("another comment: %d", id)
		}
		later := sticky(12)
		later.Seq = 2
		put(later, "quite done")
		put(sticky(12), "an earlier write of the run, late")
		put(sticky(11), "an older run")
		again := sticky(11)
		again.Attempt = 9
		put(again, "a later attempt of an older run")
		all := f.Comments(7)
		if len(all) != 1 || text(t, all[0]) != "quite done" || all[0].Author != githubtest.Bot || all[0].Edits != 2 {
			t.Errorf("%+v", all)
		}
		// Pipelines have comments of their own.
		other := sticky(1)
		other.Pipeline = "week-3"
		put(other, "another")
		if all := f.Comments(7); len(all) != 2 || text(t, all[0]) != "quite done" {
			t.Errorf("%+v", all)
		}
	})
}

// A name cannot break out of the marker, and each finds its own.
func TestPipelineNames(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f, c, _ := stage(t)
		names := []string{"", "a", "a b", "a+b", "-->", "--><img src=x>", "a pipeline=b run=9 attempt=1 seq=1 -->\n", "日本語", "a%20b", "\xff", "A", "--!>", strings.Repeat("n", 300)}
		for _, edit := range []string{"one", "two"} {
			for _, n := range names {
				_, err := c.Upsert(t.Context(), 7, github.Sticky{Pipeline: n, Run: 5, Seq: map[string]int{"one": 1, "two": 2}[edit]}, edit+" "+fmt.Sprintf("%x", n))
				check(t, err)
			}
		}
		all := f.Comments(7)
		if len(all) != len(names) {
			t.Fatalf("%d comments", len(all))
		}
		for i, m := range all {
			if got, want := text(t, m), "two "+fmt.Sprintf("%x", names[i]); got != want {
				t.Errorf("%q, want %q", got, want)
			}
			marker, _, _ := strings.Cut(m.Body, "\n")
			if strings.Count(marker, "--") != 2 || strings.Count(marker, ">") != 1 {
				t.Errorf("%q", marker)
			}
		}
	})
}

// Neither another's comment with our marker nor our comment with a marker further down is taken for ours.
func TestForgedMarkers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f, c, _ := stage(t)
		_, err := c.Upsert(t.Context(), 7, sticky(1), "x")
		check(t, err)
		marker, _, _ := strings.Cut(f.Comments(7)[0].Body, "\n")
		newer := strings.Replace(marker, "run=1 ", "run=999999 ", 1)

		f, c, _ = stage(t)
		for _, m := range []struct{ author, body string }{
			{"mallory", newer + "\nforged"}, {"github-actions", newer + "\nforged"},
			{githubtest.Bot, "a model said: " + newer + "\n"}, {githubtest.Bot, "\n" + newer + "\nforged"}, {githubtest.Bot, " " + newer},
			{githubtest.Bot, strings.Replace(newer, "comment/1", "comment/2", 1)}, {githubtest.Bot, strings.Replace(newer, "comment/1", "issue/1", 1)},
			{githubtest.Bot, strings.Replace(newer, "999999", "99999999999999999999", 1)}, {githubtest.Bot, strings.Replace(newer, " -->", "", 1)},
			{githubtest.Bot, newer + " trailing\n"}, {githubtest.Bot, strings.Replace(newer, "week%2D2", "%zz", 1)},
		} {
			f.AddComment(7, m.author, m.body)
		}
		before := f.Comments(7)
		_, err = c.Upsert(t.Context(), 7, sticky(2), "ours "+newer)
		check(t, err)
		_, err = c.Upsert(t.Context(), 7, sticky(3), "ours again "+newer)
		check(t, err)
		after := f.Comments(7)
		if len(after) != len(before)+1 || !slices.Equal(before, after[:len(before)]) {
			t.Errorf("others' comments were touched: %+v", after)
		}
		if got := text(t, after[len(before)]); got != "ours again "+newer {
			t.Errorf("%q", got)
		}
	})
}

func TestUpsertAmongManyComments(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f, c, _ := stage(t)
		for i := range 130 {
			f.AddComment(7, "somebody", fmt.Sprint(i))
		}
		id, err := c.Upsert(t.Context(), 7, sticky(1), "one")
		check(t, err)
		for i := range 130 {
			f.AddComment(7, "somebody", fmt.Sprint(i))
		}
		again, err := c.Upsert(t.Context(), 7, sticky(2), "two")
		if err != nil || again != id || len(f.Comments(7)) != 261 {
			t.Errorf("%d became %d, %v", id, again, err)
		}
	})
}

func TestUpsertOfAnotherAuthor(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f, _, _ := stage(t)
		f.AddToken("pat", githubtest.Token{Login: "tuner", Permissions: map[string]string{"pull-requests": "write"}})
		s := sticky(1)
		s.Author = "tuner"
		for _, body := range []string{"one", "two"} {
			s.Seq++
			_, err := client(t, f, "pat").Upsert(t.Context(), 7, s, body)
			check(t, err)
		}
		if all := f.Comments(7); len(all) != 1 || text(t, all[0]) != "two" {
			t.Errorf("%+v", all)
		}
	})
}

func TestLongBodies(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f, c, _ := stage(t)
		room := sticky(1).Room()
		_, err := c.Upsert(t.Context(), 7, sticky(1), strings.Repeat("é", room))
		check(t, err)
		if n := utf8.RuneCountInString(f.Comments(7)[0].Body); n != 65536 {
			t.Errorf("the longest has %d characters", n)
		}
		writes := len(f.Requests())
		_, err1 := c.Upsert(t.Context(), 7, sticky(2), strings.Repeat("é", room+1))
		_, err2 := c.Reply(t.Context(), 7, strings.Repeat("é", 65537))
		_, err3 := c.UpsertIssue(t.Context(), sticky(2), "title", strings.Repeat("é", 65537))
		for _, err := range []error{err1, err2, err3} {
			if !errors.Is(err, github.ErrTooLarge) {
				t.Errorf("%v", err)
			}
		}
		if len(f.Requests()) != writes {
			t.Error("it was sent")
		}
	})
}

// gate lets the requests of several writers through one by one, in an order that is given; but no request takes longer than
// patience, which is less than a writer waits after a write.
type gate struct {
	mu      sync.Mutex
	order   []int // writers
	changed chan struct{}
}

const patience = 400 * time.Millisecond

// pass waits for the writer's turn, does what there is to do, and hands on.
func (g *gate) pass(writer int, do func()) {
	late := time.After(patience)
	for waiting := true; waiting; {
		g.mu.Lock()
		if len(g.order) == 0 || g.order[0] == writer {
			break
		}
		changed := g.changed
		g.mu.Unlock()
		select {
		case <-changed:
		case <-late:
			waiting = false
			g.mu.Lock()
		}
	}
	defer g.mu.Unlock()
	do()
	if i := slices.Index(g.order, writer); i >= 0 {
		g.order = slices.Delete(g.order, i, i+1)
	}
	close(g.changed)
	g.changed = make(chan struct{})
}

// Two writers at once end with one comment, that of the newer run, in every order of their first eight requests, whether
// there was a comment before or not.
func TestTwoWritersConverge(t *testing.T) {
	for _, before := range []bool{false, true} {
		for bits := range 1 << 8 {
			var order []int
			for i := range 8 {
				order = append(order, bits>>i&1)
			}
			synctest.Test(t, func(t *testing.T) {
				f, c, _ := stage(t)
				if before {
					_, err := c.Upsert(t.Context(), 7, sticky(1), "before")
					check(t, err)
				}
				g := &gate{order: slices.Clone(order), changed: make(chan struct{})}
				var wg sync.WaitGroup
				for writer := range 2 {
					gated, err := github.New(github.Config{Token: githubtest.WriteToken, Repository: f.Repository, BaseURL: githubtest.APIURL,
						HTTP: &http.Client{Transport: roundTrip(func(r *http.Request) (reply *http.Response, err error) {
							g.pass(writer, func() { reply, err = f.Client().Transport.RoundTrip(r) })
							return reply, err
						})}})
					check(t, err)
					wg.Go(func() {
						if _, err := gated.Upsert(t.Context(), 7, sticky(int64(10+writer)), fmt.Sprint("writer ", writer)); err != nil {
							t.Errorf("order %v: %v", order, err)
						}
					})
				}
				wg.Wait()
				if all := f.Comments(7); len(all) != 1 || text(t, all[0]) != "writer 1" {
					t.Errorf("before %t, order %v: %+v", before, order, all)
				}
			})
		}
	}
}

// What a writer that died left is tidied up by the next: the oldest comment stays, with the newest text.
func TestDuplicatesAreMerged(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f, c, _ := stage(t)
		var bodies []string
		for run, text := range []string{"zero", "one", "two"} {
			g, other, _ := stage(t)
			_, err := other.Upsert(t.Context(), 7, sticky(int64(run)), text)
			check(t, err)
			bodies = append(bodies, g.Comments(7)[0].Body)
		}
		first := f.AddComment(7, githubtest.Bot, bodies[1])
		f.AddComment(7, githubtest.Bot, bodies[2])
		f.AddComment(7, "mallory", bodies[2])
		f.AddComment(7, githubtest.Bot, bodies[0])
		id, err := c.Upsert(t.Context(), 7, sticky(1), "older than two")
		all := f.Comments(7)
		if err != nil || id != first || len(all) != 2 || text(t, all[0]) != "two" || all[1].Author != "mallory" {
			t.Errorf("%v: %+v", err, all)
		}
	})
}

func TestCommentWhoseReplyIsLost(t *testing.T) {
	for name, carriedOut := range map[string]bool{"carried out": true, "not carried out": false} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				f, c, _ := stage(t)
				posts := 0
				f.Intercept(func(w http.ResponseWriter, r *http.Request, next http.Handler) {
					if r.Method != http.MethodPost {
						next.ServeHTTP(w, r)
						return
					}
					if posts++; carriedOut {
						next.ServeHTTP(discard{}, r)
					}
					panic(http.ErrAbortHandler)
				})
				_, err := c.Upsert(t.Context(), 7, sticky(1), "x")
				if (err == nil) != carriedOut || posts != 1 {
					t.Errorf("%v after %d POSTs", err, posts)
				}
			})
		})
	}
}

// A comment that somebody deletes in between is made anew.
func TestCommentDeletedMeanwhile(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f, c, _ := stage(t)
		_, err := c.Upsert(t.Context(), 7, sticky(1), "x")
		check(t, err)
		f.Intercept(func(w http.ResponseWriter, r *http.Request, next http.Handler) {
			if r.Method == http.MethodPatch {
				q := r.Clone(r.Context())
				q.Method = http.MethodDelete
				q.Body = http.NoBody
				next.ServeHTTP(discard{}, q)
			}
			next.ServeHTTP(w, r)
		})
		_, err = c.Upsert(t.Context(), 7, sticky(2), "y")
		check(t, err)
		if all := f.Comments(7); len(all) != 1 || text(t, all[0]) != "y" {
			t.Errorf("%+v", all)
		}
	})
}

func TestUpsertWithoutLeave(t *testing.T) {
	f, _, _ := stage(t)
	_, err := client(t, f, githubtest.ReadToken).Upsert(t.Context(), 7, sticky(1), "x")
	if !errors.Is(err, github.ErrForbidden) || !strings.HasPrefix(err.Error(), "the comment on pull request 7: ") {
		t.Errorf("%v", err)
	}
}

func TestReact(t *testing.T) {
	f, c, _ := stage(t)
	id := f.AddComment(7, "writer", "/finetune")
	for _, r := range []string{"eyes", "rocket", "eyes", "confused"} {
		check(t, c.React(t.Context(), id, r))
	}
	if got := f.Reactions(id); !slices.Equal(got, []string{"eyes", "rocket", "confused"}) {
		t.Errorf("%q", got)
	}
	if err := c.React(t.Context(), id, "thumbs"); !errors.Is(err, github.ErrUnprocessable) {
		t.Errorf("%v", err)
	}
	if err := c.React(t.Context(), 404, "eyes"); !errors.Is(err, github.ErrNotFound) {
		t.Errorf("%v", err)
	}
}
