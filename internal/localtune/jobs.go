package localtune

import (
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"
)

// number is a hyperparameter as the contract writes it: "auto" or a number.
type number struct {
	set   bool
	value float64
}

func (n *number) UnmarshalJSON(b []byte) error {
	if string(b) == "null" || string(b) == `"auto"` {
		return nil
	}
	n.set = true
	return json.Unmarshal(b, &n.value)
}

type hyperparameters struct {
	Epochs       number `json:"n_epochs"`
	BatchSize    number `json:"batch_size"`
	LearningRate number `json:"learning_rate_multiplier"`
}

type jobRequest struct {
	Model           string            `json:"model"`
	Training        string            `json:"training_file"`
	Validation      string            `json:"validation_file"`
	Suffix          string            `json:"suffix"`
	Seed            *int64            `json:"seed"`
	Metadata        map[string]string `json:"metadata"`
	Hyperparameters *hyperparameters  `json:"hyperparameters"`
	Method          *struct {
		Type       string `json:"type"`
		Supervised *struct {
			Hyperparameters *hyperparameters `json:"hyperparameters"`
		} `json:"supervised"`
	} `json:"method"`
}

// record checks the request and turns it into a job's record without id.
func (q jobRequest) record(st *store) (jobRecord, error) {
	j := jobRecord{Status: validating, Created: time.Now(), Training: q.Training, Validation: q.Validation, Suffix: q.Suffix, Metadata: q.Metadata, Seed: 1}
	if q.Model != BaseModel {
		return j, invalid("model", "The model %q cannot be tuned here, only %q can.", q.Model, BaseModel)
	}
	for param, id := range map[string]string{"training_file": q.Training, "validation_file": q.Validation} {
		if id == "" && param == "validation_file" {
			continue
		}
		if _, err := st.file(id); err != nil {
			return j, invalid(param, "No such File object: %q", id)
		}
	}
	if len(q.Suffix) > 64 {
		return j, invalid("suffix", "The suffix is longer than 64 characters.")
	}
	if len(q.Metadata) > 16 {
		return j, invalid("metadata", "There are more than 16 metadata pairs.")
	}
	for k, v := range q.Metadata {
		if len(k) > 64 || len(v) > 512 {
			return j, invalid("metadata", "A metadata key is longer than 64 characters or its value longer than 512.")
		}
	}
	if q.Seed != nil {
		if j.Seed = *q.Seed; j.Seed < 0 || j.Seed > 1<<31-1 {
			return j, invalid("seed", "The seed %d is not between 0 and 2147483647.", j.Seed)
		}
	}
	h := q.Hyperparameters
	if m := q.Method; m != nil {
		if h != nil {
			return j, invalid("method", "Only one of 'method' or 'hyperparameters' may be given.")
		}
		if m.Type != "supervised" {
			return j, invalid("method", "The method %q is not served here, only \"supervised\" is.", m.Type)
		}
		if m.Supervised != nil {
			h = m.Supervised.Hyperparameters
		}
	}
	if h == nil {
		return j, nil
	}
	if n := h.Epochs; n.set {
		if j.Epochs = int(n.value); float64(j.Epochs) != n.value || j.Epochs < 1 || j.Epochs > 50 {
			return j, invalid("n_epochs", "n_epochs is \"auto\" or a whole number from 1 to 50.")
		}
	}
	if n := h.BatchSize; n.set {
		if j.BatchSize = int(n.value); float64(j.BatchSize) != n.value || j.BatchSize < 1 || j.BatchSize > 256 {
			return j, invalid("batch_size", "batch_size is \"auto\" or a whole number from 1 to 256.")
		}
	}
	if n := h.LearningRate; n.set {
		if j.LearningRate = n.value; !(n.value > 0) {
			return j, invalid("learning_rate_multiplier", "learning_rate_multiplier is \"auto\" or a number above 0.")
		}
	}
	return j, nil
}

func (s *Server) createJob(w http.ResponseWriter, r *http.Request) error {
	var q jobRequest
	if err := readJSON(w, r, &q); err != nil {
		return err
	}
	j, err := q.record(s.store)
	if err != nil {
		return err
	}
	j.ID, j.Seq = s.store.newID("ftjob")
	j, err = s.store.updateJob(j.ID, func(r *jobRecord) error { *r = j; return nil })
	if err != nil {
		return err
	}
	_ = s.store.addEvent(j.ID, event{Level: "info", Type: "message", Message: "Created fine-tuning job: " + j.ID})
	s.runner.start(j.ID)
	writeJSON(w, http.StatusOK, j.object())
	return nil
}

func (s *Server) listJobs(w http.ResponseWriter, r *http.Request) error {
	want := map[string]string{}
	for k, v := range r.URL.Query() {
		if name, ok := strings.CutPrefix(k, "metadata["); ok && strings.HasSuffix(name, "]") {
			want[strings.TrimSuffix(name, "]")] = v[0]
		}
	}
	none := r.URL.Query().Get("metadata") == "null"
	all := slices.DeleteFunc(s.store.allJobs(), func(j jobRecord) bool {
		if none && len(j.Metadata) > 0 {
			return true
		}
		for k, v := range want {
			if j.Metadata[k] != v {
				return true
			}
		}
		return false
	})
	part, more, err := page(r, all, func(j jobRecord) string { return j.ID }, 20, 100)
	if err != nil {
		return err
	}
	objects := make([]map[string]any, len(part))
	for i, j := range part {
		objects[i] = j.object()
	}
	writeJSON(w, http.StatusOK, list(objects, more))
	return nil
}

func (s *Server) getJob(w http.ResponseWriter, r *http.Request) error {
	j, err := s.store.job(r.PathValue("id"))
	if err != nil {
		return err
	}
	writeJSON(w, http.StatusOK, j.object())
	return nil
}

func (s *Server) cancelJob(w http.ResponseWriter, r *http.Request) error {
	if _, err := s.store.job(r.PathValue("id")); err != nil {
		return err
	}
	j, err := s.runner.cancel(r.PathValue("id"))
	if err != nil {
		return err
	}
	writeJSON(w, http.StatusOK, j.object())
	return nil
}

func (s *Server) listEvents(w http.ResponseWriter, r *http.Request) error {
	if _, err := s.store.job(r.PathValue("id")); err != nil {
		return err
	}
	all, err := s.store.events(r.PathValue("id"))
	if err != nil {
		return err
	}
	part, more, err := page(r, all, func(e event) string { return e.ID }, 20, 100)
	if err != nil {
		return err
	}
	writeJSON(w, http.StatusOK, list(part, more))
	return nil
}

// listCheckpoints serves the one checkpoint that the engine keeps: the finished model.
func (s *Server) listCheckpoints(w http.ResponseWriter, r *http.Request) error {
	j, err := s.store.job(r.PathValue("id"))
	if err != nil {
		return err
	}
	var all []map[string]any
	if j.Status == succeeded {
		all = append(all, map[string]any{
			"id": "ftckpt-" + strings.TrimPrefix(j.ID, "ftjob-"), "object": "fine_tuning.job.checkpoint", "created_at": j.Finished.Unix(),
			"fine_tuned_model_checkpoint": j.Model, "fine_tuning_job_id": j.ID, "step_number": j.Steps,
			"metrics": map[string]any{"step": j.Steps, "train_loss": j.Loss},
		})
	}
	part, more, err := page(r, all, func(c map[string]any) string { return c["id"].(string) }, 10, 100)
	if err != nil {
		return err
	}
	body := list(part, more)
	body["first_id"], body["last_id"] = nil, nil
	if len(part) > 0 {
		body["first_id"], body["last_id"] = part[0]["id"], part[len(part)-1]["id"]
	}
	writeJSON(w, http.StatusOK, body)
	return nil
}

// object is the job in the contract's form.
func (j jobRecord) object() map[string]any {
	auto := func(v any, set bool) any {
		if set {
			return v
		}
		return "auto"
	}
	h := map[string]any{
		"n_epochs":                 auto(j.Epochs, j.Epochs > 0),
		"batch_size":               auto(j.BatchSize, j.BatchSize > 0),
		"learning_rate_multiplier": auto(j.LearningRate, j.LearningRate > 0),
	}
	o := map[string]any{
		"id": j.ID, "object": "fine_tuning.job", "created_at": j.Created.Unix(), "finished_at": nil,
		"model": BaseModel, "fine_tuned_model": orNull(j.Model), "organization_id": "org-local", "result_files": []string{},
		"status": j.Status, "error": nil, "trained_tokens": nil, "training_file": j.Training, "validation_file": orNull(j.Validation),
		"seed": j.Seed, "hyperparameters": h, "estimated_finish": nil, "integrations": []any{}, "user_provided_suffix": orNull(j.Suffix),
		"method": map[string]any{"type": "supervised", "supervised": map[string]any{"hyperparameters": h}}, "metadata": nil,
	}
	if !j.Finished.IsZero() {
		o["finished_at"] = j.Finished.Unix()
	}
	if j.Status == succeeded {
		o["trained_tokens"] = j.TrainedTokens
	}
	if j.Metadata != nil {
		o["metadata"] = j.Metadata
	}
	if e := j.Error; e != nil {
		o["error"] = map[string]any{"code": e.Code, "message": e.Message, "param": orNull(e.Param)}
	}
	return o
}

// modelName is what a finished job's model is called.
func (j jobRecord) modelName() string {
	return fmt.Sprintf("ft:%s:local:%s:%s", BaseModel, j.Suffix, strings.TrimPrefix(j.ID, "ftjob-"))
}
