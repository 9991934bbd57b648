package openaiapi_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/tunegate/tunegate/internal/train"
)

const (
	wanted train.Key = "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"
	rival  train.Key = "0123456789ab0000000000000000000000000000000000000000000000000000"
)

// lister serves a list of jobs, newest first, page by page.
type lister struct {
	jobs    []map[string]any
	page    int
	filters bool   // on metadata, and so to nothing where none is kept
	asked   []bool // with a filter or not
}

func (l *lister) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	query := r.URL.Query()
	key := query.Get("metadata[tunegate_run_key]")
	l.asked = append(l.asked, key != "")
	show := []map[string]any{}
	begun := query.Get("after") == ""
	more := false
	for _, j := range l.jobs {
		meta, _ := j["metadata"].(map[string]string)
		switch {
		case !begun:
			begun = j["id"] == query.Get("after")
		case l.filters && key != "" && meta["tunegate_run_key"] != key:
		case len(show) == l.page:
			more = true
		default:
			show = append(show, j)
		}
	}
	_ = json.NewEncoder(w).Encode(map[string]any{"object": "list", "data": show, "has_more": more})
}

func jobOf(n int, fields map[string]any) map[string]any {
	j := map[string]any{"id": fmt.Sprint("ftjob-", n), "status": "failed", "created_at": 1000 + n}
	for k, v := range fields {
		j[k] = v
	}
	return j
}

func TestFindKnowsAJobBy(t *testing.T) {
	label := "router-" + string(wanted[:12])
	meta := func(k train.Key) map[string]string { return map[string]string{"tunegate_run_key": string(k)} }
	for name, c := range map[string]struct {
		fields map[string]any
		found  bool
	}{
		"metadata":                           {map[string]any{"metadata": meta(wanted)}, true},
		"metadata, and another suffix":       {map[string]any{"metadata": meta(wanted), "suffix": "x"}, true},
		"user_provided_suffix":               {map[string]any{"user_provided_suffix": label}, true},
		"suffix":                             {map[string]any{"suffix": label, "user_provided_suffix": nil, "metadata": nil}, true},
		"suffix, and metadata of others":     {map[string]any{"suffix": label, "metadata": map[string]string{"team": "a"}}, true},
		"the model":                          {map[string]any{"fine_tuned_model": "ft:m-1:acme:" + label + ":AbC"}, true},
		"the suffix of another agent":        {map[string]any{"suffix": "other-" + string(wanted[:12])}, true},
		"not when the metadata says another": {map[string]any{"metadata": meta(rival), "suffix": label}, false},
		"not a suffix without the dash":      {map[string]any{"suffix": "a" + string(wanted[:12])}, false},
		"not digits within the suffix":       {map[string]any{"suffix": label + "-x"}, false},
		"not too few digits":                 {map[string]any{"suffix": "router-" + string(wanted[:11])}, false},
		"not the organisation of the model":  {map[string]any{"fine_tuned_model": "ft:m-1:" + label + ":s:id"}, false},
		"not a model of another form":        {map[string]any{"fine_tuned_model": "a:b:c:" + label + ":id"}, false},
		"not nothing":                        {nil, false},
	} {
		for _, filters := range []bool{false, true} {
			l := &lister{jobs: []map[string]any{jobOf(2, nil), jobOf(1, c.fields)}, page: 100, filters: filters}
			jobs, err := client(t, l).Find(t.Context(), wanted)
			if err != nil || (len(jobs) == 1) != c.found {
				t.Errorf("%s, filter honoured %t: found %+v, %v", name, filters, jobs, err)
			}
			if len(jobs) == 1 && (jobs[0].ID != "ftjob-1" || jobs[0].Key != wanted || jobs[0].Attempt != 1) {
				t.Errorf("%s: the job is %+v", name, jobs[0])
			}
		}
	}
}

// A short key ends no suffix.
func TestFindOfAShortKey(t *testing.T) {
	l := &lister{jobs: []map[string]any{jobOf(1, map[string]any{"suffix": "a-0123"})}, page: 100}
	if jobs, err := client(t, l).Find(t.Context(), "0123"); err != nil || len(jobs) > 0 {
		t.Errorf("found %+v, %v", jobs, err)
	}
}

// The list without the filter is read only where the filtered one is empty, and not to the end of a long one.
func TestFindAsksOnceMoreWithoutTheFilter(t *testing.T) {
	var many []map[string]any
	for n := 50; n > 0; n-- {
		many = append(many, jobOf(n, nil))
	}
	ours := func(at int) []map[string]any {
		jobs := append([]map[string]any(nil), many...)
		jobs[at] = jobOf(50-at, map[string]any{"suffix": "a-" + string(wanted[:12])})
		return jobs
	}
	for name, c := range map[string]struct {
		list  lister
		asked string // f: with the filter, u: without
		found int
	}{
		"no jobs at all":       {lister{page: 10, filters: true}, "fu", 0},
		"filter ignored":       {lister{page: 25, jobs: ours(30)}, "ff", 1},
		"ignored, none of it":  {lister{page: 25, jobs: many}, "ff", 0},
		"hidden by the filter": {lister{page: 25, jobs: ours(30), filters: true}, "fuu", 1},
		"the last page looked": {lister{page: 1, jobs: ours(19), filters: true}, "f" + strings.Repeat("u", 20), 1},
		"too long ago":         {lister{page: 1, jobs: ours(20), filters: true}, "f" + strings.Repeat("u", 20), 0},
	} {
		jobs, err := client(t, &c.list).Find(t.Context(), wanted)
		asked := ""
		for _, filtered := range c.list.asked {
			asked += map[bool]string{true: "f", false: "u"}[filtered]
		}
		if err != nil || len(jobs) != c.found || asked != c.asked {
			t.Errorf("%s: found %+v, %v; asked %s, want %s", name, jobs, err, asked, c.asked)
		}
	}
}

// Without metadata every job would be the first attempt, and each run would pay for another second one.
func TestFindCountsAttempts(t *testing.T) {
	bare := map[string]any{"suffix": "a-" + string(wanted[:12])}
	jobs, err := client(t, &lister{page: 2, jobs: []map[string]any{jobOf(9, bare), jobOf(5, nil), jobOf(4, bare),
		jobOf(3, map[string]any{"metadata": map[string]string{"tunegate_run_key": string(wanted), "tunegate_attempt": "7"}})}}).Find(t.Context(), wanted)
	got := ""
	for _, j := range jobs {
		got += fmt.Sprintf("%s:%d ", j.ID, j.Attempt)
	}
	if want := "ftjob-3:7 ftjob-4:2 ftjob-9:3 "; err != nil || got != want {
		t.Errorf("found %s, %v; want %s", got, err, want)
	}
}
