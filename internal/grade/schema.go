package grade

import (
	"errors"
	"fmt"
	"strings"

	"github.com/santhosh-tekuri/jsonschema/v6"
)

// alone refuses to load what a schema refers to: a test's schema says all by itself, and opens no file and no connection.
type alone struct{}

func (alone) Load(url string) (any, error) {
	return nil, errors.New("refers to another document, which is not followed")
}

// compiled reads a JSON Schema.
func compiled(text string) (*jsonschema.Schema, error) {
	if _, err := parse(text); err != nil { // also refuses keys given twice
		return nil, err
	}
	value, err := jsonschema.UnmarshalJSON(strings.NewReader(text))
	if err != nil {
		return nil, fmt.Errorf("not JSON: %w", err)
	}
	const here = "ideal:///schema"
	c := jsonschema.NewCompiler()
	c.UseLoader(alone{})
	if err := c.AddResource(here, value); err != nil {
		return nil, fmt.Errorf("no JSON Schema: %w", err)
	}
	schema, err := c.Compile(here)
	if err != nil {
		return nil, fmt.Errorf("no JSON Schema: %s", clip(strings.ReplaceAll(err.Error(), "\n", " ")))
	}
	return schema, nil
}

func checkSchema(_ Grader, ideal string) error {
	_, err := compiled(ideal)
	return err
}

func jsonSchema(_ Grader, answer, ideal string) Score {
	schema, err := compiled(ideal)
	if err != nil {
		return Score{Note: err.Error()}
	}
	answer = unfence(answer)
	if _, err := parse(answer); err != nil {
		return Score{Note: clip(err.Error())}
	}
	value, err := jsonschema.UnmarshalJSON(strings.NewReader(answer))
	if err != nil {
		return Score{Note: clip(err.Error())}
	}
	var wrong *jsonschema.ValidationError
	switch err := schema.Validate(value); {
	case err == nil:
		return Score{Value: 1}
	case errors.As(err, &wrong):
		return Score{Note: place(wrong)}
	default:
		return Score{Note: clip(err.Error())}
	}
}

// place says where the answer breaks the schema first, and which keyword.
func place(e *jsonschema.ValidationError) string {
	for len(e.Causes) > 0 {
		e = e.Causes[0]
	}
	keyword := strings.Join(e.ErrorKind.KeywordPath(), "/")
	return clip(fmt.Sprintf("not valid at /%s: %s", strings.Join(e.InstanceLocation, "/"), keyword))
}
