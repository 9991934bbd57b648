package localtune

import (
	"encoding/base64"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"math"
	"net/http"

	"github.com/tunegate/tunegate/internal/localtune/engine"
)

// maxInputs is the contract's limit of texts in a request.
const maxInputs = 2048

type embedding struct {
	Object string `json:"object"`
	Index  int    `json:"index"`
	Vector any    `json:"embedding"` // []float32, or those bytes in base64
}

func (s *Server) embeddings(w http.ResponseWriter, r *http.Request) error {
	var q struct {
		Model      string          `json:"model"`
		Input      json.RawMessage `json:"input"`
		Encoding   string          `json:"encoding_format"`
		Dimensions *int            `json:"dimensions"`
		User       string          `json:"user"`
	}
	if err := s.readJSON(w, r, true, &q); err != nil {
		return err
	}
	if q.Model != embeddingModel && q.Model != BaseModel {
		return &apiError{http.StatusNotFound, "invalid_request_error", "model", "model_not_found", fmt.Sprintf("The model `%s` does not embed; %q does.", q.Model, embeddingModel)}
	}
	var texts []string
	var one string
	if len(q.Input) > 0 && q.Input[0] == '"' && json.Unmarshal(q.Input, &one) == nil {
		texts = []string{one}
	} else if json.Unmarshal(q.Input, &texts) != nil || len(texts) == 0 || len(texts) > maxInputs {
		return invalid("input", "The input is a string or a list of 1 to %d strings; token lists are not served here.", maxInputs)
	}
	if q.Encoding != "" && q.Encoding != "float" && q.Encoding != "base64" {
		return invalid("encoding_format", "encoding_format is float or base64, not %q", q.Encoding)
	}
	data, used := make([]embedding, len(texts)), 0
	for i, text := range texts {
		if text == "" {
			return invalid("input", "An input is empty.")
		}
		used += s.counts.count(text)
		vector := engine.Embed(text)
		if q.Dimensions != nil {
			if *q.Dimensions < 1 || *q.Dimensions > len(vector) {
				return invalid("dimensions", "dimensions is a whole number from 1 to %d.", len(vector))
			}
			vector = shorten(vector, *q.Dimensions)
		}
		data[i] = embedding{"embedding", i, vector}
		if q.Encoding == "base64" {
			raw := make([]byte, 0, 4*len(vector))
			for _, v := range vector {
				raw = binary.LittleEndian.AppendUint32(raw, math.Float32bits(v))
			}
			data[i].Vector = base64.StdEncoding.EncodeToString(raw)
		}
	}
	writeJSON(w, http.StatusOK, map[string]any{"object": "list", "model": q.Model, "data": data,
		"usage": map[string]any{"prompt_tokens": used, "total_tokens": used}})
	return nil
}

// shorten cuts a vector to its first n dimensions and makes its length 1 again.
func shorten(v []float32, n int) []float32 {
	v = v[:n]
	var sum float64
	for _, x := range v {
		sum += float64(x) * float64(x)
	}
	if sum > 0 {
		by := float32(1 / math.Sqrt(sum))
		for i := range v {
			v[i] *= by
		}
	}
	return v
}
