package report

import (
	"bytes"
	"encoding/json"
	"flag"
	"os"
	"strings"
	"testing"

	"github.com/santhosh-tekuri/jsonschema/v6"

	"github.com/tunegate/tunegate/internal/advice"
	"github.com/tunegate/tunegate/internal/diag"
	"github.com/tunegate/tunegate/internal/gate"
)

var update = flag.Bool("update", false, "write docs/report.schema.json anew")

// published is the schema's place in the repository.
const published = "../../docs/report.schema.json"

func TestPublishedSchema(t *testing.T) {
	if *update {
		if err := os.WriteFile(published, JSONSchema(), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	have, err := os.ReadFile(published)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(have, JSONSchema()) {
		t.Error("docs/report.schema.json is not the schema of these types: go test ./internal/report -update writes it")
	}
}

func valid(t *testing.T, doc []byte) error {
	t.Helper()
	schema, err := jsonschema.UnmarshalJSON(bytes.NewReader(JSONSchema()))
	if err != nil {
		t.Fatal(err)
	}
	c := jsonschema.NewCompiler()
	c.AssertFormat()
	if err := c.AddResource("report.json", schema); err != nil {
		t.Fatal(err)
	}
	value, err := jsonschema.UnmarshalJSON(bytes.NewReader(doc))
	if err != nil {
		t.Fatal(err)
	}
	return c.MustCompile("report.json").Validate(value)
}

// What is written is valid, with little in it and with much; what a reader could not rely on is not.
func TestSchema(t *testing.T) {
	whole := Report{Legs: []Leg{leg("a", gate.Pass), {ID: "b", Verdict: gate.Error}}}
	whole.Legs[0].Audit.Findings = []diag.Finding{{Rule: "r", Severity: diag.Warning, Related: []diag.Place{{File: "f", Line: 3}}}}
	whole.Legs[0].Advice = []advice.Step{{Do: "mend it"}}
	whole.Legs[0].Estimate, whole.Budget = &Money{1, 2}, number(3)
	whole.Legs[0].Phases[0].Benchmark = &Benchmark{Flips: []Flip{{Test: "t"}}, Labels: []Label{{Label: "l"}}}
	for _, r := range []Report{{}, whole} {
		r.Complete()
		doc, err := json.Marshal(r)
		if err != nil {
			t.Fatal(err)
		}
		if err := valid(t, doc); err != nil {
			t.Error(err)
		}
		for _, change := range [][2]string{{`"schema":1`, `"schema":2`}, {`"legs":[`, `"legs":null,"x":[`}, {`"launched":`, `"lunched":`}, {`"verdict":"error"`, `"verdict":"fine"`}, {`"cost_usd":`, `"cost_usd":"1","y":`}} {
			broken := strings.Replace(string(doc), change[0], change[1], 1)
			if broken == string(doc) || valid(t, []byte(broken)) == nil {
				t.Errorf("with %s for %s it is still valid", change[1], change[0])
			}
		}
		if err := valid(t, []byte(strings.Replace(string(doc), `"schema":1`, `"schema":1,"added_later":[1]`, 1))); err != nil {
			t.Errorf("a field that was added later: %v", err)
		}
	}
}
