package localtune

import (
	"errors"
	"fmt"
	"io/fs"
	"net/http"
	"os"
	"sync"
	"time"

	"github.com/tunegate/tunegate/internal/localtune/engine"
)

// modelCache keeps the models used last in memory; a model of 150 labels takes some 30 MB.
type modelCache struct {
	store *store
	mu    sync.Mutex // never held while a model is read
	clock int64
	held  map[string]*heldModel
}

// heldModel is read once, by the first who asks; the others wait for it alone.
type heldModel struct {
	read func() (*engine.Model, error)
	job  jobRecord
	used int64
}

const heldModels = 8

func newModelCache(st *store) *modelCache {
	return &modelCache{store: st, held: map[string]*heldModel{}}
}

// get returns the model of that name, reading it from disk if need be, and its job.
func (c *modelCache) get(name string) (*engine.Model, jobRecord, error) {
	h, err := c.hold(name)
	if err != nil {
		return nil, jobRecord{}, err
	}
	m, err := h.read()
	if err != nil {
		c.drop(name, h)
		return nil, jobRecord{}, fmt.Errorf("reading the model %s: %w", name, err)
	}
	return m, h.job, nil
}

func (c *modelCache) hold(name string) (*heldModel, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	h, ok := c.held[name]
	if !ok {
		j, err := c.store.modelJob(name)
		if err != nil {
			return nil, err
		}
		if len(c.held) == heldModels {
			delete(c.held, c.oldest())
		}
		h = &heldModel{job: j, read: sync.OnceValues(func() (*engine.Model, error) { return readModel(c.store.modelPath(j.ID)) })}
		c.held[name] = h
	}
	c.clock++
	h.used = c.clock
	return h, nil
}

// oldest is the name of the model that was not used for longest.
func (c *modelCache) oldest() (name string) {
	for n, h := range c.held {
		if name == "" || h.used < c.held[name].used {
			name = n
		}
	}
	return name
}

// drop forgets a model; h, if not nil, is the one that is meant.
func (c *modelCache) drop(name string, h *heldModel) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if h == nil || c.held[name] == h {
		delete(c.held, name)
	}
}

func readModel(path string) (*engine.Model, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	return engine.ReadModel(f)
}

func modelObject(id string, created time.Time, owner string) map[string]any {
	return map[string]any{"id": id, "object": "model", "created": created.Unix(), "owned_by": owner, "shutdown_date": nil}
}

// builtIn are the models that are always there.
func builtIn() []map[string]any {
	built := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	return []map[string]any{modelObject(BaseModel, built, "tunegate"), modelObject(embeddingModel, built, "tunegate")}
}

// listModels lists what can be asked: the two built-in models and every tuned one.
func (s *Server) listModels(w http.ResponseWriter, _ *http.Request) error {
	all := builtIn()
	for _, j := range s.store.allJobs() {
		if j.serves() {
			all = append(all, modelObject(j.Model, j.Finished, "org-local"))
		}
	}
	writeJSON(w, http.StatusOK, map[string]any{"object": "list", "data": all})
	return nil
}

func (s *Server) getModel(w http.ResponseWriter, r *http.Request) error {
	id := r.PathValue("id")
	for _, m := range builtIn() {
		if m["id"] == id {
			writeJSON(w, http.StatusOK, m)
			return nil
		}
	}
	j, err := s.store.modelJob(id)
	if err != nil {
		return err
	}
	writeJSON(w, http.StatusOK, modelObject(j.Model, j.Finished, "org-local"))
	return nil
}

// deleteModel deletes a tuned model; its job stays, and stays succeeded.
func (s *Server) deleteModel(w http.ResponseWriter, r *http.Request) error {
	id := r.PathValue("id")
	for _, m := range builtIn() {
		if m["id"] == id {
			return &apiError{http.StatusForbidden, "invalid_request_error", "model", "", "The model " + id + " is built in and cannot be deleted."}
		}
	}
	j, err := s.store.modelJob(id)
	if err != nil {
		return err
	}
	_, err = s.store.updateJob(j.ID, func(j *jobRecord) error {
		if !j.serves() {
			return noModel(id)
		}
		j.ModelDeleted = true
		return nil
	})
	if err != nil {
		return err
	}
	s.models.drop(id, nil)
	if err := os.Remove(s.store.modelPath(j.ID)); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	writeJSON(w, http.StatusOK, map[string]any{"id": id, "object": "model", "deleted": true})
	return nil
}
