package manifest

import "encoding/json"

// schema is a JSON Schema, or part of one.
type schema = map[string]any

// Schema returns the manifest's JSON Schema (draft 2020-12), for editors. It says all that Parse checks, except: a key
// given twice, what one key asks of another far away (a provider that exists, a base model that it can tune, a first
// batch not larger than the whole), and that a pattern compiles. Load looks at files as well.
func Schema() []byte {
	s := schema{
		"$schema": "https://json-schema.org/draft/2020-12/schema",
		"title":   "tunegate manifest",
	}
	for k, v := range manifestKeys(blank()).schema {
		s[k] = v
	}
	text, err := json.MarshalIndent(s, "", "  ")
	if err != nil {
		panic(err) // the schema is made of maps, lists and text alone
	}
	return append(text, '\n')
}
