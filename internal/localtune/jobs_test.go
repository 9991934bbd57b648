package localtune_test

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/tunegate/tunegate/internal/localtune"
)

// slow makes a training last until it is ended.
var slow = localtune.Options{StepDelay: time.Hour, Parallel: 1}

// said are the messages of a job's events, oldest first.
func (s site) said(t testing.TB, job string) (all []string) {
	t.Helper()
	for _, e := range s.must(t, "GET", "/fine_tuning/jobs/"+job+"/events?limit=100", "").data() {
		all = append(all, e.text("message"))
	}
	slices.Reverse(all)
	return all
}

// A job echoes what it was asked for, and tells its life in events that can be paged through without a gap.
func TestJob(t *testing.T) {
	s := start(t, open(t, t.TempDir(), zero))
	file, valid := s.upload(t, routing(300)), s.upload(t, routing(30))
	id := s.create(t, file, fmt.Sprintf(`,"validation_file":%q,"suffix":"my team/v1:ö","seed":7,"metadata":{"run":"r1"},
		"method":{"type":"supervised","supervised":{"hyperparameters":{"n_epochs":2,"batch_size":"auto","learning_rate_multiplier":0.5}}}`, valid))
	j := s.await(t, id, "succeeded")
	h := object(j["hyperparameters"].(map[string]any))
	if h["n_epochs"] != float64(2) || h["batch_size"] != "auto" || h["learning_rate_multiplier"] != 0.5 || j["seed"] != float64(7) ||
		j.text("user_provided_suffix") != "my team/v1:ö" || fmt.Sprint(j["metadata"]) != "map[run:r1]" || j.text("validation_file") != valid {
		t.Errorf("the job echoes %v", j)
	}
	if tokens, _ := j["trained_tokens"].(float64); tokens < 300*2*10 {
		t.Errorf("trained tokens %v", j["trained_tokens"])
	}
	model := j.text("fine_tuned_model")
	if !strings.HasPrefix(model, "ft:local-zero-shot:local:my-team-v1--:") {
		t.Errorf("model %q", model)
	}
	s.must(t, "GET", "/models/"+model, "")

	var seen []string
	types := map[string]int{}
	for query := "limit=7"; ; {
		page := s.must(t, "GET", "/fine_tuning/jobs/"+id+"/events?"+query, "")
		for _, e := range page.data() {
			seen = append(seen, e.text("id"))
			types[e.text("type")]++
		}
		if page["has_more"] == false {
			break
		}
		query = "limit=7&after=" + seen[len(seen)-1]
	}
	every := s.must(t, "GET", "/fine_tuning/jobs/"+id+"/events?limit=100", "").data()
	if len(seen) != len(every) || types["metrics"] < 20 || types["message"] < 4 {
		t.Errorf("%d events in pages of 7, %d at once, %v", len(seen), len(every), types)
	}
	if slices.Sort(seen); len(slices.Compact(seen)) != len(every) {
		t.Errorf("pages repeat events")
	}
	said := s.said(t, id)
	if first, last := said[0], said[len(said)-1]; !strings.HasPrefix(first, "Created fine-tuning job") || last != "The job has successfully completed" {
		t.Errorf("the events begin with %q and end with %q", first, last)
	}
	points := s.must(t, "GET", "/fine_tuning/jobs/"+id+"/checkpoints", "").data()
	if len(points) != 1 || points[0].text("fine_tuned_model_checkpoint") != model || points[0]["step_number"].(float64) < 1 {
		t.Errorf("checkpoints %v", points)
	}
}

func TestRefusedJobs(t *testing.T) {
	s := start(t, open(t, t.TempDir(), zero))
	file := s.upload(t, routing(30))
	gone := s.upload(t, "x")
	s.must(t, "DELETE", "/files/"+gone, "")
	for more, want := range map[string][2]string{
		`,"model":"gpt-4.1"`:                                              {"model", `"local-zero-shot" can`},
		`,"model":null,"model":""`:                                        {"model", "provide a model"},
		`,"training_file":""`:                                             {"training_file", "provide a training_file"},
		`,"training_file":"` + gone + `"`:                                 {"training_file", "No such File"},
		`,"validation_file":"file-nobody"`:                                {"validation_file", "No such File"},
		`,"suffix":""`:                                                    {"suffix", "1 to 64"},
		`,"suffix":"` + strings.Repeat("s", 65) + `"`:                     {"suffix", "1 to 64"},
		`,"seed":-1`:                                                      {"seed", "not between"},
		`,"seed":1.5`:                                                     {"seed", "Invalid type"},
		`,"metadata":{"` + strings.Repeat("k", 65) + `":""}`:              {"metadata", "64"},
		`,"metadata":{"k":1}`:                                             {"metadata", "Invalid type"},
		`,"hyperparameters":{"n_epochs":0}`:                               {"n_epochs", "1 to 50"},
		`,"hyperparameters":{"n_epochs":51}`:                              {"n_epochs", "1 to 50"},
		`,"hyperparameters":{"n_epochs":"3"}`:                             {"n_epochs", "1 to 50"},
		`,"hyperparameters":{"batch_size":1e300}`:                         {"batch_size", "1 to 256"},
		`,"hyperparameters":{"learning_rate_multiplier":0}`:               {"learning_rate_multiplier", "above 0"},
		`,"hyperparameters":{"n_epoch":1}`:                                {"n_epoch", "Unrecognized"},
		`,"method":{"type":"dpo","dpo":{"hyperparameters":{"beta":0.1}}}`: {"method", `"dpo" is not served`},
		`,"method":{"type":"supervised"},"hyperparameters":{}`:            {"method", "Only one"},
		`,"integrations":[{"type":"wandb","wandb":{"project":"p"}}]`:      {"integrations", "not served"},
		`,"idempotency":"x"`:                                              {"idempotency", "Unrecognized"},
		`} {`:                                                             {"", "could not parse"},
		`,"method":{"type":"supervised","supervised":{"hyperparameters":{"learning_rate_multiplier":"1e400"}}}`: {"learning_rate_multiplier", "above 0"},
	} {
		e := s.refused(t, 400, "POST", "/fine_tuning/jobs", fmt.Sprintf(`{"model":%q,"training_file":%q%s}`, localtune.BaseModel, file, more))
		if param := e.text("param"); (param != want[0] && !strings.HasSuffix(param, "."+want[0])) || !strings.Contains(e.text("message"), want[1]) || strings.Contains(e.text("message"), "Go ") {
			t.Errorf("%s: %v, want %q", more, e, want)
		}
	}
	s.refused(t, 400, "POST", "/fine_tuning/jobs", "null")
	s.refused(t, 413, "POST", "/fine_tuning/jobs", `{"model":"`+strings.Repeat("x", 17<<20)+`"}`)
	if got := s.must(t, "GET", "/fine_tuning/jobs", "").data(); len(got) > 0 {
		t.Errorf("refused jobs are listed: %v", got)
	}
}

// What only training finds out ends the job with its reason, the line included.
func TestFailedJobs(t *testing.T) {
	s := start(t, open(t, t.TempDir(), zero))
	good := s.upload(t, routing(30))
	for data, want := range map[string]string{
		routing(9):                          "must have at least 10",
		routing(12) + `{"messages":[]}`:     "line 13: ",
		"no JSON at all":                    "line 1: ",
		"\x1f\x8b\x08 a gzip file, perhaps": "it is compressed",
		"\n\n\n":                            "must have at least 10",
	} {
		for _, param := range []string{"training_file", "validation_file"} {
			if param == "validation_file" && strings.Contains(want, "at least") {
				continue
			}
			training, more := s.upload(t, data), ""
			if param == "validation_file" {
				more, training = fmt.Sprintf(`,"validation_file":%q`, training), good
			}
			id := s.create(t, training, more)
			j := s.await(t, id, "failed")
			e := object(j["error"].(map[string]any))
			if e.text("code") != "invalid_"+param || e.text("param") != param || !strings.Contains(e.text("message"), want) {
				t.Errorf("%.20q as %s: %v, want %q", data, param, e, want)
			}
			if said := s.said(t, id); said[len(said)-1] != e.text("message") {
				t.Errorf("%.20q: the last event is %q", data, said[len(said)-1])
			}
			if j["fine_tuned_model"] != nil || j["finished_at"] == nil || j["trained_tokens"] != nil {
				t.Errorf("%.20q: %v", data, j)
			}
		}
	}
}

func TestJobsByMetadata(t *testing.T) {
	s := start(t, open(t, t.TempDir(), slow))
	file := s.upload(t, routing(30))
	var ids []string
	for _, more := range []string{`,"metadata":{"run":"a","n":""}`, ``, `,"metadata":{"run":"b"}`, `,"metadata":{"run":"a"}`, `,"metadata":{}`} {
		ids = append(ids, s.create(t, file, more))
	}
	for query, want := range map[string][]int{
		"":                                   {4, 3, 2, 1, 0},
		"?metadata[run]=a":                   {3, 0},
		"?metadata%5Brun%5D=a&metadata[n]=":  {0},
		"?metadata[none]=":                   {},
		"?limit=1&metadata[run]=a":           {3},
		"?metadata[run]=a&after=" + ids[2]:   {0}, // one that the filter leaves out
		"?limit=2&after=" + ids[4]:           {3, 2},
		"?metadata[run]=a&metadata[other]=b": {},
	} {
		list := s.must(t, "GET", "/fine_tuning/jobs"+query, "")
		got := []string{}
		for _, j := range list.data() {
			got = append(got, j.text("id"))
		}
		wanted := []string{}
		for _, i := range want {
			wanted = append(wanted, ids[i])
		}
		if !slices.Equal(got, wanted) {
			t.Errorf("%s: %q, want %q", query, got, wanted)
		}
		if more := strings.Contains(query, "limit"); list["has_more"] != more {
			t.Errorf("%s: has_more %v, want %v", query, list["has_more"], more)
		}
	}
	null := unchecked(t, s.Config.Handler)
	if got := null.must(t, "GET", "/fine_tuning/jobs?metadata=null", "").data(); len(got) != 2 {
		t.Errorf("without metadata: %v", got)
	}
}

// A job can be cancelled while it waits and while it trains, once, and stays so.
func TestCancel(t *testing.T) {
	dir := t.TempDir()
	server := open(t, dir, slow)
	s := start(t, server)
	file := s.upload(t, routing(30))
	trains := s.create(t, file, "")
	s.await(t, trains, "running")
	waits := s.create(t, file, "") // of one slot
	for _, id := range []string{waits, trains} {
		if j := s.must(t, "POST", "/fine_tuning/jobs/"+id+"/cancel", ""); j.text("status") != "cancelled" || j["finished_at"] == nil {
			t.Errorf("cancelled: %v", j)
		}
		e := s.refused(t, 400, "POST", "/fine_tuning/jobs/"+id+"/cancel", "")
		if !strings.Contains(e.text("message"), "already completed") {
			t.Errorf("cancelled again: %v", e)
		}
		if said := s.said(t, id); said[len(said)-1] != "The job has been cancelled" {
			t.Errorf("events %q", said)
		}
	}
	s.refused(t, 404, "POST", "/fine_tuning/jobs/ftjob-unknown/cancel", "")
	// The slot is free again, and a restart brings neither back.
	s.await(t, s.create(t, file, ""), "running")
	server.Close()
	s = start(t, open(t, dir, zero))
	for _, id := range []string{waits, trains} {
		if j := s.must(t, "GET", "/fine_tuning/jobs/"+id, ""); j.text("status") != "cancelled" || j["fine_tuned_model"] != nil {
			t.Errorf("after the restart: %v", j)
		}
	}
}

// Of many who cancel a job at once, one does; a job that is cancelled as it ends is one or the other.
func TestCancelRaces(t *testing.T) {
	s := start(t, open(t, t.TempDir(), zero))
	file := s.upload(t, routing(30))
	for range 10 {
		id := s.create(t, file, "")
		statuses := make([]int, 4)
		var wg sync.WaitGroup
		for i := range statuses {
			wg.Go(func() { statuses[i], _ = s.call(t, "POST", "/fine_tuning/jobs/"+id+"/cancel", "") })
		}
		wg.Wait()
		j := s.await(t, id, "cancelled", "succeeded")
		count := 0
		for _, status := range statuses {
			if status == 200 {
				count++
			}
		}
		if (j.text("status") == "cancelled") != (count == 1) || count > 1 {
			t.Errorf("job %s, cancelled by %d", j.text("status"), count)
		}
		if (j.text("status") == "succeeded") != (j["fine_tuned_model"] != nil) {
			t.Errorf("job %v", j)
		}
	}
}

// A server that is started again on the folder goes on with the jobs under their ids, and their events say so.
func TestRestart(t *testing.T) {
	dir := t.TempDir()
	first := open(t, dir, slow)
	s := start(t, first)
	file := s.upload(t, routing(60))
	done := s.create(t, file, "")
	_ = s.must(t, "POST", "/fine_tuning/jobs/"+done+"/cancel", "")
	trains, waits := s.create(t, file, `,"metadata":{"k":"v"}`), s.create(t, file, "")
	s.await(t, trains, "running")
	if n := first.Unfinished(); n != 2 {
		t.Errorf("%d unfinished jobs, want 2", n)
	}
	if _, err := localtune.Open(dir, zero); err == nil {
		t.Fatal("two servers have the folder open")
	}
	first.Close()
	s = start(t, open(t, dir, zero))
	for _, id := range []string{trains, waits} {
		j := s.await(t, id, "succeeded")
		if id == trains && fmt.Sprint(j["metadata"]) != "map[k:v]" {
			t.Errorf("metadata %v", j["metadata"])
		}
		if said := s.said(t, id); !slices.Contains(said, "The server was started again: training begins anew") {
			t.Errorf("events %q", said)
		}
	}
	if got := s.must(t, "GET", "/fine_tuning/jobs", "").data(); len(got) != 3 {
		t.Errorf("%d jobs, want 3", len(got))
	}
}

// A job whose file is deleted while it waits fails and says so; one that has read it goes on.
func TestDeletedTrainingFile(t *testing.T) {
	s := start(t, open(t, t.TempDir(), slow))
	file := s.upload(t, routing(30))
	trains := s.create(t, file, "")
	s.await(t, trains, "running")
	waits := s.create(t, file, "")
	s.must(t, "DELETE", "/files/"+file, "")
	s.must(t, "POST", "/fine_tuning/jobs/"+trains+"/cancel", "")
	j := s.await(t, waits, "failed")
	if e := object(j["error"].(map[string]any)); !strings.Contains(e.text("message"), "was deleted") {
		t.Errorf("error %v", e)
	}
}

// Where the model cannot be saved the job fails, and says why, also when not even that can be recorded.
func TestUnsavableModel(t *testing.T) {
	for name, breakIt := range map[string]func(dir string, s *localtune.Server) error{
		"folder":  func(dir string, _ *localtune.Server) error { return os.Remove(filepath.Join(dir, "models")) },
		"journal": func(_ string, s *localtune.Server) error { s.BreakJournal(); return nil },
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			server := open(t, dir, localtune.Options{StepDelay: 5 * time.Millisecond})
			s := start(t, server)
			id := s.create(t, s.upload(t, routing(60)), "")
			s.await(t, id, "running")
			if err := breakIt(dir, server); err != nil {
				t.Fatal(err)
			}
			j := s.await(t, id, "failed")
			if e := object(j["error"].(map[string]any)); e.text("code") != "server_error" || e.text("message") == "" {
				t.Errorf("error %v", e)
			}
		})
	}
}
