package localtune

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"time"
	"unicode/utf8"
)

type jobRecord struct {
	ID            string            `json:"id"`
	Seq           int64             `json:"seq"`
	Status        string            `json:"status"`
	Created       time.Time         `json:"created"`
	Finished      time.Time         `json:"finished,omitzero"`
	Training      string            `json:"training"`
	Validation    string            `json:"validation,omitempty"`
	Suffix        string            `json:"suffix,omitempty"`
	Seed          int64             `json:"seed"`
	Epochs        int               `json:"epochs,omitempty"` // 0 until the engine has chosen
	BatchSize     int               `json:"batch_size,omitempty"`
	LearningRate  float64           `json:"learning_rate,omitempty"`
	Metadata      map[string]string `json:"metadata,omitempty"`
	Model         string            `json:"model,omitempty"` // once succeeded
	ModelDeleted  bool              `json:"model_deleted,omitempty"`
	TrainedTokens int64             `json:"trained_tokens,omitempty"`
	ToolCalls     bool              `json:"tool_calls,omitempty"` // the training answers were tool calls
	Steps         int               `json:"steps,omitempty"`
	Loss          float64           `json:"loss,omitempty"`
	Error         *jobError         `json:"error,omitempty"`
}

// jobError is why a job failed.
type jobError struct {
	Code    string `json:"code"`
	Message string `json:"message"`
	Param   string `json:"param,omitempty"`
}

func (e *jobError) Error() string { return e.Message }

// The states of a job, as the contract writes them.
const (
	validating = "validating_files"
	running    = "running"
	succeeded  = "succeeded"
	failed     = "failed"
	cancelled  = "cancelled"
)

func (j jobRecord) final() bool {
	return j.Status == succeeded || j.Status == failed || j.Status == cancelled
}

// serves is whether the job has a model that can be asked.
func (j jobRecord) serves() bool { return j.Model != "" && !j.ModelDeleted }

// number is a hyperparameter as the contract writes it: "auto", which is the zero value, or a number.
type number struct{ text string }

func (n *number) UnmarshalJSON(b []byte) error {
	if text := string(b); text != "null" && text != `"auto"` {
		n.text = text
	}
	return nil
}

// whole sets into to a number from 1 to most, and leaves it for "auto".
func (n number) whole(name string, most int, into *int) error {
	var v float64
	if n.text == "" {
		return nil
	}
	if json.Unmarshal([]byte(n.text), &v) != nil || v != float64(int(v)) || v < 1 || v > float64(most) {
		return invalid(name, "%s is \"auto\" or a whole number from 1 to %d.", name, most)
	}
	*into = int(v)
	return nil
}

type hyperparameters struct {
	Epochs       number `json:"n_epochs"`
	BatchSize    number `json:"batch_size"`
	LearningRate number `json:"learning_rate_multiplier"`
}

type jobRequest struct {
	Model           string            `json:"model"`
	Training        string            `json:"training_file"`
	Validation      *string           `json:"validation_file"`
	Suffix          *string           `json:"suffix"`
	Seed            *int64            `json:"seed"`
	Metadata        map[string]string `json:"metadata"`
	Integrations    []any             `json:"integrations"`
	Hyperparameters *hyperparameters  `json:"hyperparameters"`
	Method          *struct {
		Type       string `json:"type"`
		Supervised *struct {
			Hyperparameters *hyperparameters `json:"hyperparameters"`
		} `json:"supervised"`
		DPO           any `json:"dpo"`
		Reinforcement any `json:"reinforcement"`
	} `json:"method"`
}

// record checks the request and turns it into a job's record without id.
func (q jobRequest) record(st *store) (jobRecord, error) {
	j := jobRecord{Status: validating, Created: time.Now(), Training: q.Training, Metadata: q.Metadata, Seed: 1}
	switch {
	case q.Model == "":
		return j, invalid("model", "You must provide a model parameter.")
	case q.Model != BaseModel:
		return j, &apiError{http.StatusBadRequest, "invalid_request_error", "model", "model_not_available",
			fmt.Sprintf("The model %q cannot be tuned here, only %q can.", q.Model, BaseModel)}
	case q.Training == "":
		return j, invalid("training_file", "You must provide a training_file parameter.")
	}
	if _, err := st.file(q.Training); err != nil {
		return j, invalid("training_file", "No such File object: %q", q.Training)
	}
	if q.Validation != nil {
		if _, err := st.file(*q.Validation); err != nil {
			return j, invalid("validation_file", "No such File object: %q", *q.Validation)
		}
		j.Validation = *q.Validation
	}
	if q.Suffix != nil {
		if j.Suffix = *q.Suffix; j.Suffix == "" || utf8.RuneCountInString(j.Suffix) > 64 {
			return j, invalid("suffix", "The suffix has 1 to 64 characters.")
		}
	}
	if err := checkMetadata(q.Metadata); err != nil {
		return j, err
	}
	if q.Seed != nil {
		if j.Seed = *q.Seed; j.Seed < 0 || j.Seed > 1<<31-1 {
			return j, invalid("seed", "The seed %d is not between 0 and 2147483647.", j.Seed)
		}
	}
	if len(q.Integrations) > 0 {
		return j, invalid("integrations", "Integrations are not served here.")
	}
	h, err := q.hyperparameters()
	if err != nil || h == nil {
		return j, err
	}
	if err := h.Epochs.whole("n_epochs", 50, &j.Epochs); err != nil {
		return j, err
	}
	if err := h.BatchSize.whole("batch_size", 256, &j.BatchSize); err != nil {
		return j, err
	}
	if n := h.LearningRate.text; n != "" && (json.Unmarshal([]byte(n), &j.LearningRate) != nil || j.LearningRate <= 0) {
		return j, invalid("learning_rate_multiplier", "learning_rate_multiplier is \"auto\" or a number above 0.")
	}
	return j, nil
}

func checkMetadata(m map[string]string) error {
	if len(m) > 16 {
		return invalid("metadata", "There are more than 16 metadata pairs.")
	}
	for k, v := range m {
		if utf8.RuneCountInString(k) > 64 || utf8.RuneCountInString(v) > 512 {
			return invalid("metadata", "A metadata key is longer than 64 characters or its value longer than 512.")
		}
	}
	return nil
}

// hyperparameters are those of the method, or of the deprecated form; nil when there are none.
func (q jobRequest) hyperparameters() (*hyperparameters, error) {
	m := q.Method
	switch {
	case m == nil:
		return q.Hyperparameters, nil
	case q.Hyperparameters != nil:
		return nil, invalid("method", "Only one of 'method' or 'hyperparameters' may be given.")
	case m.Type != "supervised" || m.DPO != nil || m.Reinforcement != nil:
		return nil, invalid("method", "The method %q is not served here, only \"supervised\" is.", m.Type)
	case m.Supervised == nil:
		return nil, nil
	}
	return m.Supervised.Hyperparameters, nil
}

func (s *Server) createJob(w http.ResponseWriter, r *http.Request) error {
	var q jobRequest
	if err := s.readJSON(w, r, true, &q); err != nil {
		return err
	}
	j, err := q.record(s.store)
	if err != nil {
		return err
	}
	j.ID, j.Seq = s.store.newID(jobPrefix)
	j, err = s.store.updateJob(j.ID, func(r *jobRecord) error { *r = j; return nil }, notice("Created fine-tuning job: "+j.ID))
	if err != nil {
		return err
	}
	s.runner.start(j.ID)
	writeJSON(w, http.StatusOK, j.object())
	return nil
}

func (s *Server) listJobs(w http.ResponseWriter, r *http.Request) error {
	q := r.URL.Query()
	want := map[string]string{}
	for k, v := range q {
		if name, ok := strings.CutPrefix(k, "metadata["); ok && strings.HasSuffix(name, "]") {
			want[strings.TrimSuffix(name, "]")] = v[0]
		}
	}
	none := q.Get("metadata") == "null"
	keep := func(j jobRecord) bool {
		for k, v := range want {
			if has, ok := j.Metadata[k]; !ok || has != v {
				return false
			}
		}
		return !none || len(j.Metadata) == 0
	}
	part, more, err := page(r, s.store.allJobs(), func(j jobRecord) string { return j.ID }, keep, 20, 100)
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
	part, more, err := page(r, all, func(e event) string { return e.ID }, always, 20, 100)
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
	if j.serves() {
		all = append(all, map[string]any{
			"id": "ftckpt-" + j.tail(), "object": "fine_tuning.job.checkpoint", "created_at": j.Finished.Unix(),
			"fine_tuned_model_checkpoint": j.Model, "fine_tuning_job_id": j.ID, "step_number": j.Steps,
			"metrics": map[string]any{"step": j.Steps, "train_loss": j.Loss},
		})
	}
	part, more, err := page(r, all, func(c map[string]any) string { return c["id"].(string) }, always, 10, 100)
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

// tail is what is the job's own in its id.
func (j jobRecord) tail() string { return strings.TrimPrefix(j.ID, jobPrefix+"-") }

// modelName is what a finished job's model is called: a name that needs no escaping in an address.
func (j jobRecord) modelName() string {
	suffix := strings.Map(func(r rune) rune {
		if r < utf8.RuneSelf && (r == '-' || r == '_' || r == '.' || '0' <= r && r <= '9' || 'a' <= r|' ' && r|' ' <= 'z') {
			return r
		}
		return '-'
	}, j.Suffix)
	return fmt.Sprintf("ft:%s:local:%s:%s", BaseModel, suffix, j.tail())
}
