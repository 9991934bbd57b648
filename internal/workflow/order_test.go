package workflow

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/tunegate/tunegate/internal/github"
)

const someSHA = "0123456789abcdef0123456789abcdef01234567"

func TestReadOrderRefuses(t *testing.T) {
	for name, values := range map[string][]string{
		"do": {"", "deploy", "launch\n", "Launch"}, "sha": {"", "main", someSHA[:39], someSHA + "\nx", strings.ToUpper(someSHA), "--upload-pack=x"},
		"base-sha": {"main", "$(id)"}, "pull": {"-1", "0", "1e3", "7\ndo=launch", "9999999999999999999"}, "comment": {"x"}, "since": {"now"},
		"legs": {"../x", "a b", "a,,b", "a;id", "a\n::error::"}, "profile": {"fast", "speed "}, "manifest": {"../x", "/etc/passwd", "a//b", "-x", "a\nb", "$(id)", "<b>"},
	} {
		for _, v := range values {
			in := map[string]string{"do": "launch", "sha": someSHA, name: v}
			text, err := json.Marshal(in)
			if err != nil {
				t.Fatal(err)
			}
			if o, err := ReadOrder(string(text)); err == nil || strings.ContainsAny(err.Error(), "\n") {
				t.Errorf("%s %q: %+v, %v", name, v, o, err)
			}
		}
	}
	for _, text := range []string{"", "[]", "{}", `{"do":["launch"]}`, strings.Repeat(" ", 65<<10) + "{}"} {
		if o, err := ReadOrder(text); err == nil {
			t.Errorf("%.40q: %+v", text, o)
		}
	}
}

// A change touches an input also by the folder or the link on the way to it, by taking it away, and where nobody lists it to the end.
func TestTouched(t *testing.T) {
	inputs := []string{"data/a/train.jsonl", "tunegate.yaml"}
	for _, c := range []struct {
		files github.Files
		want  bool
	}{
		{github.Files{}, false},
		{github.Files{List: []github.File{{Name: "README.md"}, {Name: "data/a/train.jsonl.md"}, {Name: "data/ab"}}}, false},
		{github.Files{List: []github.File{{Name: "data/a/train.jsonl"}}}, true},
		{github.Files{List: []github.File{{Name: "data"}}}, true},
		{github.Files{List: []github.File{{Name: "data/a"}}}, true},
		{github.Files{List: []github.File{{Name: "old.yaml", Previous: "tunegate.yaml"}}}, true},
		{github.Files{Cut: true}, true},
	} {
		if got := Touched(c.files, inputs); got != c.want {
			t.Errorf("%+v: %t", c.files, got)
		}
	}
}

// A record is as bounded as the program writes it.
func TestReadRecordRefuses(t *testing.T) {
	good := `{"schema":1,"run":5,"pull":7,"sha":"` + someSHA + `","spends":true,"since":1,"jobs":[{"leg":"a","provider":"acme","job":"ftjob-1","run_key":"k"}]}`
	if r, err := readRecord([]byte(good)); err != nil || r.order().Do != Resume {
		t.Fatalf("%+v, %v", r, err)
	}
	for old, with := range map[string]string{
		`"schema":1`: `"schema":2`, `"run":5`: `"run":-5`, `"pull":7`: `"pull":-7`, someSHA: "main", `"since":1`: `"since":"1"`, `"leg":"a"`: `"leg":"../a"`,
		`"provider":"acme"`: `"provider":"a b"`, `"job":"ftjob-1"`: `"job":"` + strings.Repeat("x", 1001) + `"`, `"spends":true`: `"spends":true,"manifest":"../x"`, good: "", `}]}`: `}]`,
		`"jobs":[`: `"legs":"$(id)","jobs":[`, `[{`: `[` + strings.Repeat(`{"leg":"a","provider":"b"},`, 300) + `{`,
	} {
		if r, err := readRecord([]byte(strings.Replace(good, old, with, 1))); err == nil {
			t.Errorf("%s for %s: %+v", with, old, r)
		}
	}
}
