package workflow

import (
	"encoding/json"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"github.com/tunegate/tunegate/internal/github"
	"github.com/tunegate/tunegate/internal/manifest"
)

func TestReadComment(t *testing.T) {
	for body, want := range map[string]Ask{
		"/finetune":                                         {Do: Launch},
		"/finetune\nthanks /finetune cancel":                {Do: Launch},
		"  /finetune  \r\n":                                 {Do: Launch},
		"/finetune support-router,ops  log":                 {Do: Launch, Legs: []string{"support-router", "ops", "log"}},
		"/finetune a a,a":                                   {Do: Launch, Legs: []string{"a"}},
		"/finetune @1A2B3C4 a":                              {Do: Launch, SHA: "1a2b3c4", Legs: []string{"a"}},
		"/finetune --dry-run":                               {Do: Plan},
		"/finetune a --profile thorough --dry-run @abcdef0": {Do: Plan, Legs: []string{"a"}, Profile: "thorough", SHA: "abcdef0"},
		"/finetune --profile=speed":                         {Do: Launch, Profile: "speed"},
		"/finetune status a":                                {Do: Status, Legs: []string{"a"}},
		"/finetune cancel":                                  {Do: Cancel},
		"/finetune retry a --profile speed":                 {Do: Retry, Legs: []string{"a"}, Profile: "speed"},
		"/finetune help":                                    {Do: Nothing},
		"/finetune customer_\u200bsupport":                  {Do: Launch, Legs: []string{"customer_support"}}, // copied from a page
		"/finetune a status":                                {Do: Launch, Legs: []string{"a", "status"}},
	} {
		if got, asked, err := ReadComment(body); err != nil || !asked || !reflect.DeepEqual(got, want) {
			t.Errorf("%q: %+v, %v, %v", body, got, asked, err)
		}
	}
	for _, body := range []string{"", "\n/finetune", "please /finetune", "/finetuned", "/finetune-all", "> /finetune", "    /finetune", "\t/finetune", "`/finetune`", "/FINETUNE"} {
		if _, asked, _ := ReadComment(body); asked {
			t.Errorf("%q was obeyed", body)
		}
	}
	for _, body := range []string{
		"/finetune --fast", "/finetune @12345", "/finetune @zzzzzzz", "/finetune @1234567 @1234567", "/finetune $(id)", "/finetune ../x", "/finetune a;b",
		"/finetune --profile", "/finetune --profile quick", "/finetune status --profile speed", "/finetune `x`", "/finetune @everyone", "/finetune <img>", "/finetune a,,b",
	} {
		_, asked, err := ReadComment(body)
		if !asked || err == nil {
			t.Errorf("%q was taken", body)
			continue
		}
		if words := strings.Fields(body); strings.Contains(err.Error(), strings.Join(words[1:], " ")) && len(words[1]) > 3 && strings.ContainsAny(words[1], "$<`;") {
			t.Errorf("%q is quoted in the answer: %v", body, err)
		}
	}
}

// An order comes out of a run's outputs as it went in, and nothing that start would not write comes out at all.
func TestOrder(t *testing.T) {
	sha := strings.Repeat("a1", 20)
	for _, o := range []Order{
		{Do: Launch, Pull: 7, SHA: sha, Base: sha, Legs: []string{"a", "b-c"}, Profile: "thorough", Comment: 99},
		{Do: Resume, SHA: sha, Manifest: "ml/my agents.yaml", Since: 1700000000}, {Do: Nothing},
	} {
		text, err := json.Marshal(o.Outputs())
		if err != nil {
			t.Fatal(err)
		}
		if got, err := ReadOrder(string(text)); err != nil || !reflect.DeepEqual(got, o) {
			t.Errorf("%+v became %+v, %v", o, got, err)
		}
	}
	for _, text := range []string{
		``, `[]`, `{}`, `{"do":"launch"}`, `{"do":"sudo","sha":"` + sha + `"}`, `{"do":"launch","sha":"HEAD"}`, `{"do":"launch","sha":"` + sha + `\n"}`,
		`{"do":"launch","sha":"` + sha + `","pull":"7; rm"}`, `{"do":"launch","sha":"` + sha + `","pull":"-1"}`, `{"do":"launch","sha":"` + sha + `","legs":"a b"}`,
		`{"do":"launch","sha":"` + sha + `","base-sha":"main"}`, `{"do":"launch","sha":"` + sha + `","profile":"fast"}`, `{"do":"launch","sha":"` + sha + `","comment":"1e3"}`,
		`{"do":"resume","sha":"` + sha + `","manifest":"../x.yaml"}`, `{"do":"resume","sha":"` + sha + `","manifest":"/etc/passwd"}`, `{"do":"resume","sha":"` + sha + `","manifest":"a\nb"}`,
		`{"do":"launch","sha":"` + sha + `","legs":"` + strings.Repeat("a,", 40_000) + `a"}`,
	} {
		if got, err := ReadOrder(text); err == nil {
			t.Errorf("%.80s became %+v", text, got)
		}
	}
}

func FuzzOrder(f *testing.F) {
	f.Add(`{"do":"launch","sha":"` + strings.Repeat("a1", 20) + `","legs":"a,b","pull":"7"}`)
	f.Fuzz(func(t *testing.T, text string) {
		o, err := ReadOrder(text)
		if err != nil {
			return
		}
		for name, value := range o.Outputs() {
			if strings.ContainsFunc(value, func(c rune) bool { return c < ' ' || c > '~' }) {
				t.Errorf("%s is %q", name, value)
			}
		}
	})
}

func FuzzComment(f *testing.F) {
	f.Add("/finetune a,b @1234567 --profile speed --dry-run")
	f.Fuzz(func(t *testing.T, body string) {
		ask, asked, err := ReadComment(body)
		if !asked || err != nil {
			return
		}
		for _, id := range ask.Legs {
			if !manifest.IsName(id) {
				t.Errorf("leg %q", id)
			}
		}
	})
}

// A record is believed as the program writes it and not otherwise.
func TestRecord(t *testing.T) {
	sha := strings.Repeat("b2", 20)
	good := record{Schema: 1, Run: 42, Pull: 7, SHA: sha, Legs: "a,b", Spends: true, Since: 1700000000, Jobs: []Job{{"a", "acme", "ftjob-1", "k"}, {Leg: "b", Provider: "acme"}}}
	body, err := json.Marshal(good)
	if err != nil {
		t.Fatal(err)
	}
	got, err := readRecord(body)
	if err != nil || !reflect.DeepEqual(got, good) {
		t.Fatalf("%+v, %v", got, err)
	}
	if o := got.order(); o.Do != Resume || o.Pull != 7 || len(o.Legs) != 2 {
		t.Errorf("%+v", o)
	}
	for name, change := range map[string]func(r *record){
		"schema": func(r *record) { r.Schema = 2 }, "run": func(r *record) { r.Run = 0 }, "pull": func(r *record) { r.Pull = -7 }, "sha": func(r *record) { r.SHA = "main" },
		"legs": func(r *record) { r.Legs = "a;b" }, "manifest": func(r *record) { r.Manifest = "../../x" }, "profile": func(r *record) { r.Profile = "x" },
		"leg": func(r *record) { r.Jobs[0].Leg = "A b" }, "provider": func(r *record) { r.Jobs[0].Provider = "http://x" }, "job": func(r *record) { r.Jobs[0].ID = strings.Repeat("x", 2000) },
		"jobs": func(r *record) { r.Jobs = make([]Job, 300) },
	} {
		bad := good
		bad.Jobs = append([]Job{}, good.Jobs...)
		change(&bad)
		body, err := json.Marshal(bad)
		if err != nil {
			t.Fatal(err)
		}
		if got, err := readRecord(body); err == nil {
			t.Errorf("%s: %+v was believed", name, got)
		}
	}
	for _, body := range []string{"", "null", "{", strings.Repeat(" ", recordLimit+1)} {
		if _, err := readRecord([]byte(body)); err == nil {
			t.Errorf("%.20q was believed", body)
		}
	}
}

// What a manifest reads, under every name that leads there.
func TestInputsAndTouched(t *testing.T) {
	dir := t.TempDir()
	for name, text := range map[string]string{
		"ml/tunegate.yaml": "version: 1\nagents:\n  a: {train: data/train.jsonl, benchmark: {tests: ../tests/t.jsonl, grader: exact}}\n",
		"real/train.jsonl": `{"messages":[{"role":"user","content":"q"},{"role":"assistant","content":"a"}]}` + "\n",
		"tests/t.jsonl":    `{"id":"1","input":"q","ideal":"a"}` + "\n", "README.md": "x",
	} {
		file := filepath.Join(dir, filepath.FromSlash(name))
		if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(file, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Symlink("../real", filepath.Join(dir, "ml", "data")); err != nil {
		t.Skip("no links here: ", err)
	}
	m, err := manifest.Load(filepath.Join(dir, "ml", "tunegate.yaml"), dir)
	if err != nil {
		t.Fatal(err)
	}
	inputs := Inputs(m)
	for name, want := range map[string]bool{
		"ml/tunegate.yaml": true, "real/train.jsonl": true, "ml/data": true, "tests/t.jsonl": true, "real": true,
		"README.md": false, "real/other.jsonl": false, "ml/other.yaml": false, "train.jsonl": false,
	} {
		if got := Touched(github.Files{List: []github.File{{Name: name}}}, inputs); got != want {
			t.Errorf("%s: %v, inputs are %q", name, got, inputs)
		}
		if got := Touched(github.Files{List: []github.File{{Name: "elsewhere", Previous: name}}}, inputs); got != want {
			t.Errorf("moved from %s: %v", name, got)
		}
	}
	if !Touched(github.Files{Cut: true}, inputs) {
		t.Error("a list that was cut counts as harmless")
	}
}
