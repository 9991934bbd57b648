package report

import (
	"encoding/json"
	"reflect"
	"strings"
	"time"

	"github.com/tunegate/tunegate/internal/diag"
	"github.com/tunegate/tunegate/internal/gate"
)

// JSONSchema returns the JSON Schema (draft 2020-12) of the document, made of its Go types. A field that is always written is
// required; others may be added, so that a reader must pass over what it does not know. What the fields mean is in docs/report.md.
func JSONSchema() []byte {
	doc := schemaOf(reflect.TypeFor[Report]())
	doc["$schema"] = "https://json-schema.org/draft/2020-12/schema"
	doc["title"] = "tunegate report"
	doc["description"] = "reports/report.json, the one document of a run of tunegate. docs/report.md says what each field means."
	doc["properties"].(map[string]any)["schema"] = map[string]any{"const": Schema}
	text, err := json.MarshalIndent(doc, "", "  ")
	if err != nil {
		panic(err) // it is made of maps, lists and text alone
	}
	return append(text, '\n')
}

// schemaOf describes what encoding/json writes for a type.
func schemaOf(t reflect.Type) map[string]any {
	switch t {
	case reflect.TypeFor[time.Time]():
		return map[string]any{"type": "string", "format": "date-time"}
	case reflect.TypeFor[gate.Verdict]():
		return map[string]any{"enum": []any{gate.Pass, gate.Fail, gate.Inconclusive, gate.Pending, gate.Error}}
	case reflect.TypeFor[diag.Severity]():
		return map[string]any{"enum": []any{diag.Info.String(), diag.Warning.String(), diag.Critical.String()}}
	}
	switch t.Kind() {
	case reflect.String:
		return map[string]any{"type": "string"}
	case reflect.Bool:
		return map[string]any{"type": "boolean"}
	case reflect.Int, reflect.Int64:
		return map[string]any{"type": "integer"}
	case reflect.Float64:
		return map[string]any{"type": "number"}
	case reflect.Slice:
		return map[string]any{"type": "array", "items": schemaOf(t.Elem())}
	case reflect.Array:
		return map[string]any{"type": "array", "items": schemaOf(t.Elem()), "minItems": t.Len(), "maxItems": t.Len()}
	case reflect.Pointer:
		return map[string]any{"anyOf": []any{schemaOf(t.Elem()), map[string]any{"type": "null"}}}
	case reflect.Struct:
		return objectOf(t)
	}
	panic("a report cannot hold a " + t.String()) // found by the first test that asks for the schema
}

func objectOf(t reflect.Type) map[string]any {
	properties, required := map[string]any{}, []string{}
	for i := range t.NumField() {
		name, options, _ := strings.Cut(t.Field(i).Tag.Get("json"), ",")
		if name == "-" || !t.Field(i).IsExported() {
			continue
		}
		typ := t.Field(i).Type
		if options == "omitempty" && typ.Kind() == reflect.Pointer {
			typ = typ.Elem() // nil is not written
		}
		properties[name] = schemaOf(typ)
		if options == "" {
			required = append(required, name)
		}
	}
	return map[string]any{"type": "object", "properties": properties, "required": required}
}
