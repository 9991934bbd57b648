package openaiapi

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/tunegate/tunegate/internal/train"
)

func TestServiceOf(t *testing.T) {
	for host, want := range map[string]string{
		"api.openai.com": "OpenAI", "API.OpenAI.com": "OpenAI", "openai.com": "", "api.openai.com.example.org": "", "xapi.openai.com": "",
		"acme.openai.azure.com": "Azure OpenAI", "acme.services.ai.azure.com": "Azure OpenAI", "openai.azure.com": "", "127.0.0.1": "",
		"api.tokenfactory.nebius.com": "Nebius Token Factory", "api.tokenfactory.eu-west1.nebius.com": "Nebius Token Factory",
		"api.together.ai": "Together", "llm.example.com": "",
	} {
		if got := serviceOf(host).name; got != want {
			t.Errorf("%s is %q, want %q", host, got, want)
		}
	}
}

// A service whose fine-tunes are of another kind is refused before anything is sent.
func TestForeignServices(t *testing.T) {
	for _, base := range []string{"https://api.together.xyz/v1", "https://api.mistral.ai/v1", "https://api.fireworks.ai/inference/v1"} {
		if _, err := New(Config{BaseURL: base}); err == nil || !strings.Contains(err.Error(), "a contract of its own") {
			t.Errorf("%s gives %v", base, err)
		}
	}
}

// What a job says on the wire, in the form of each service.
func TestCreateByService(t *testing.T) {
	spec := train.Spec{Endpoint: "e", Model: "m", Method: "supervised", Epochs: 3, BatchSize: 8, Seed: 7, Agent: "support-router", Attempt: 2}
	key := string(spec.Key())
	short := "suppo-" + key[:12]
	meta := `"metadata":{"tunegate_agent":"support-router","tunegate_attempt":"2","tunegate_run_key":"` + key + `"},`
	method := `"method":{"supervised":{"hyperparameters":{"batch_size":8,"n_epochs":3}},"type":"supervised"}`
	for host, want := range map[string]string{
		"llm.example.com":             `"suffix":"` + spec.Label() + `","seed":7,` + meta + method,
		"api.openai.com":              `"suffix":"` + spec.Label() + `","seed":7,` + meta + method,
		"acme.openai.azure.com":       `"suffix":"` + short + `","seed":7,` + meta + method,
		"api.tokenfactory.nebius.com": `"suffix":"` + spec.Label() + `","seed":7,"hyperparameters":{"batch_size":8,"lora":true,"n_epochs":3}`,
	} {
		q, err := serviceOf(host).create(spec, "f", "v")
		if err != nil {
			t.Error(err)
			continue
		}
		got, _ := json.Marshal(q)
		if want := `{"model":"m","training_file":"f","validation_file":"v",` + want + "}"; string(got) != want {
			t.Errorf("%s: %s\nwant %s", host, got, want)
		}
		if bearer := (job{Suffix: q.Suffix}); !bearer.bears(spec.Key()) {
			t.Errorf("%s: the suffix %q does not lead back to the job", host, q.Suffix)
		}
	}
	free := spec
	free.Epochs, free.BatchSize, free.LearningRate = 0, 0, 0.5
	q, err := service{}.create(free, "f", "")
	if got, _ := json.Marshal(q.Method); err != nil || string(got) != `{"supervised":{"hyperparameters":{"learning_rate_multiplier":0.5,"n_epochs":"auto"}},"type":"supervised"}` {
		t.Errorf("%s, %v", got, err)
	}
}

// What a service cannot be asked for is refused here, with the reason, and not sent.
func TestCreateThatAServiceDoesNotTake(t *testing.T) {
	nebius := serviceOf("api.tokenfactory.nebius.com")
	for want, spec := range map[string]train.Spec{
		"20 epochs at most, not 21": {Epochs: 21},
		"a number of epochs":        {},
		"learning_rate_multiplier":  {Epochs: 3, LearningRate: 0.5},
	} {
		if _, err := nebius.create(spec, "f", ""); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%+v gives %v, want %s", spec, err, want)
		}
	}
}

func TestLabel(t *testing.T) {
	for label, want := range map[string]string{
		"a-0123456789ab": "a-0123456789ab", "agent-0123456789ab": "agent-0123456789ab", "agents-0123456789ab": "agent-0123456789ab", "four--x-0123456789ab": "four-0123456789ab",
	} {
		if got := (service{suffix: 18}).label(label); got != want {
			t.Errorf("%s gives %s, want %s", label, got, want)
		}
	}
}

// Every row says what is known of it and how, on the page too.
func TestProvidersPage(t *testing.T) {
	page, err := os.ReadFile(filepath.Join("..", "..", "docs", "providers.md"))
	if err != nil {
		t.Fatal(err)
	}
	for _, s := range services {
		if s.tried == "" || s.read == "" || len(s.hosts) == 0 {
			t.Errorf("%s: tried %q, read %q, hosts %q", s.name, s.tried, s.read, s.hosts)
		}
		if !strings.Contains(string(page), "| "+s.name+" |") {
			t.Errorf("docs/providers.md has no row for %s", s.name)
		}
	}
}
