package localtune

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"unicode"
)

// apiError is an error in the contract's form.
type apiError struct {
	status                     int
	kind, param, code, message string
}

func (e *apiError) Error() string { return e.message }

func invalid(param, format string, args ...any) error {
	return &apiError{http.StatusBadRequest, "invalid_request_error", param, "invalid_value", fmt.Sprintf(format, args...)}
}

func notFound(what, id string) error {
	return &apiError{http.StatusNotFound, "invalid_request_error", "id", "not_found", fmt.Sprintf("No such %s: %s", what, id)}
}

func noModel(name string) error {
	return &apiError{http.StatusNotFound, "invalid_request_error", "model", "model_not_found",
		fmt.Sprintf("The model `%s` does not exist or you do not have access to it.", name)}
}

// refuse replies with err. What is not an apiError is the server's own trouble.
func refuse(w http.ResponseWriter, err error) {
	var e *apiError
	if !errors.As(err, &e) {
		e = &apiError{http.StatusInternalServerError, "server_error", "", "internal_error", err.Error()}
	}
	if seen, ok := w.(*statusWriter); ok {
		seen.err = e
	}
	writeJSON(w, e.status, map[string]any{"error": map[string]any{
		"message": e.message, "type": e.kind, "param": orNull(e.param), "code": orNull(e.code),
	}})
}

func writeJSON(w http.ResponseWriter, status int, v any) {
	body, err := json.Marshal(v)
	if err != nil {
		status, body = http.StatusInternalServerError, []byte(`{"error":{"message":"the reply could not be encoded","type":"server_error","param":null,"code":null}}`)
	}
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_, _ = w.Write(body) // a client that is gone needs no reply
}

func orNull[T comparable](v T) any {
	var zero T
	if v == zero {
		return nil
	}
	return v
}

// maxBody is the longest JSON body in bytes.
const maxBody = 16 << 20

// keptBody is the longest buffer of a body that is kept for the next one, in bytes.
const keptBody = 64 << 10

// readJSON decodes a request's body. Names that into has no field for are refused when strict is set.
func (s *Server) readJSON(w http.ResponseWriter, r *http.Request, strict bool, into any) error {
	b, ok := s.bodies.Get().(*bytes.Buffer)
	if !ok {
		b = new(bytes.Buffer)
	}
	b.Reset()
	defer func() {
		if b.Cap() <= keptBody {
			s.bodies.Put(b)
		}
	}()
	if _, err := b.ReadFrom(http.MaxBytesReader(w, r.Body, maxBody)); err != nil {
		var tooLong *http.MaxBytesError
		if errors.As(err, &tooLong) {
			return &apiError{http.StatusRequestEntityTooLarge, "invalid_request_error", "", "request_too_large", "The request is longer than 16 MiB."}
		}
		return invalid("", "The request broke off: %v", err)
	}
	if len(bytes.TrimSpace(b.Bytes())) == 0 {
		return invalid("", "The request has no body; this call takes a JSON object.")
	}
	if !strict {
		return jsonError(json.Unmarshal(b.Bytes(), into))
	}
	if !json.Valid(b.Bytes()) { // the decoder would pass over what follows the object
		return jsonError(json.Unmarshal(b.Bytes(), into))
	}
	d := json.NewDecoder(b)
	d.DisallowUnknownFields()
	return jsonError(d.Decode(into))
}

// jsonError says what is wrong with a body in words that do not speak of Go.
func jsonError(err error) error {
	var syntax *json.SyntaxError
	var kind *json.UnmarshalTypeError
	switch {
	case err == nil:
		return nil
	case errors.As(err, &kind):
		return invalid(kind.Field, "Invalid type for '%s': a JSON %s is not what it takes.", kind.Field, kind.Value)
	case errors.As(err, &syntax):
		return invalid("", "We could not parse the JSON body of your request: %v, at byte %d.", err, syntax.Offset)
	}
	if name, ok := strings.CutPrefix(err.Error(), "json: unknown field "); ok {
		if plain, err := strconv.Unquote(name); err == nil {
			name = plain
		}
		return &apiError{http.StatusBadRequest, "invalid_request_error", name, "unknown_parameter", "Unrecognized request argument supplied: " + name}
	}
	return invalid("", "The body is not what this call takes: %v", err)
}

// page cuts a list to those after the query's after that are kept, as many as its limit asks for. after may
// name one that is not kept itself, such as a file that was deleted since.
func page[T any](r *http.Request, all []T, id func(T) string, keep func(T) bool, limit, most int) (part []T, more bool, err error) {
	q := r.URL.Query()
	if text := q.Get("limit"); text != "" {
		n, err := strconv.Atoi(text)
		if err != nil || n < 1 {
			return nil, false, invalid("limit", "limit %q is not a positive whole number", text)
		}
		limit = min(n, most)
	}
	after := q.Get("after")
	found := after == ""
	for _, v := range all {
		switch {
		case !found:
			found = id(v) == after
		case !keep(v):
		case len(part) == limit:
			return part, true, nil
		default:
			part = append(part, v)
		}
	}
	if !found {
		return nil, false, notFound("object to page after", after)
	}
	return part, false, nil
}

func always[T any](T) bool { return true }

func list[T any](data []T, more bool) map[string]any {
	if data == nil {
		data = []T{}
	}
	return map[string]any{"object": "list", "data": data, "has_more": more}
}

// printable replaces what a terminal might act upon.
func printable(text string) string {
	return strings.Map(func(r rune) rune {
		if !unicode.IsPrint(r) {
			return '_'
		}
		return r
	}, strings.ToValidUTF8(text, "_"))
}
