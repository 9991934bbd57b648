package openaiapi

import (
	"strings"
)

// service is what a service does differently from the contract. The zero value keeps it: so does every host that no
// row below names. Adding a service is adding a row.
type service struct {
	name  string
	hosts []string // names of hosts; one that begins with a dot stands for all that end so

	foreign    string // it has another contract for fine-tunes: which
	keyHeader  string // header that bears the key; "": Authorization, as a bearer token
	flat       bool   // hyperparameters stand in the job itself, not in its method
	fixed      map[string]any
	noMetadata bool  // of jobs: their suffix alone tells whose they are
	noAuto     bool  // numbers only, and no multiplier of the learning rate
	epochs     int   // most; 0: as in the contract
	suffix     int   // longest, in bytes; 0: a label is never longer than allowed
	single     int64 // bytes of the largest file that one request takes; 0: as in the contract
	deploys    bool  // a tuned model answers once it was deployed, by deploy.go

	tried, read string // what was done against the service itself, and what was only read about it
}

// What the contract says, of services that say nothing else (openai-openapi 2.3.0; Uploads: parts of up to 64 MB).
const (
	singleFile = 512 << 20
	partSize   = 64 << 20
)

// services is never written to. Facts were read on 2026-11-22; nothing here was tried against a paid account.
var services = [...]service{
	{
		name: "OpenAI", hosts: []string{"api.openai.com"},
		tried: "nothing",
		read:  "API description 2.3.0; the deprecations page: no new jobs after 2027-01-06",
	},
	{
		name: "Azure OpenAI", hosts: []string{".openai.azure.com", ".services.ai.azure.com", ".cognitiveservices.azure.com"},
		keyHeader: "api-key",
		suffix:    18,
		single:    100 << 20,
		tried:     "nothing",
		read: "REST examples of the v1 base https://RESOURCE.openai.azure.com/openai/v1 send the key as api-key; the 2024-10-21 description has suffixes of " +
			"18 characters; files above about 150 MB are refused with a bare 500 (microsoft/skills#276). Deploying is another API with another token: " +
			"deploy by hand, under the tuned model's name",
	},
	{
		name: "Nebius Token Factory", hosts: []string{"api.tokenfactory.nebius.com", ".tokenfactory.nebius.com", "api.tokenfactory.eu-west1.nebius.com", "api.tokenfactory.us-central1.nebius.com", "api.studio.nebius.com"},
		flat:       true,
		fixed:      map[string]any{"lora": true}, // only adapters can be deployed without a machine of one's own
		noMetadata: true,
		noAuto:     true,
		epochs:     20,
		single:     5 << 30,
		deploys:    true,
		tried:      "nothing; its contract as described is served by nebiustest, which the tests drive",
		read:       "API description 20260506: method or hyperparameters, not both; an absolute learning_rate; no metadata; custom models below /v0/models",
	},
	{
		name: "Together", hosts: []string{"api.together.xyz", "api.together.ai"},
		foreign: "POST /fine-tunes", tried: "nothing", read: "API description 090263a: chat is as in the contract, fine-tunes are not",
	},
	{
		name: "Fireworks", hosts: []string{"api.fireworks.ai"},
		foreign: "POST /accounts/ACCOUNT/supervisedFineTuningJobs", tried: "nothing", read: "its reference: chat is as in the contract, fine-tunes are not",
	},
	{
		name: "Mistral", hosts: []string{"api.mistral.ai"},
		foreign: "jobs with a list of training_files", tried: "nothing", read: "client-python 05629d23: the paths of the contract, other bodies and other states",
	},
}

// serviceOf finds the row of a host.
func serviceOf(host string) service {
	host = strings.ToLower(host)
	for _, s := range services {
		for _, h := range s.hosts {
			if host == h || strings.HasPrefix(h, ".") && strings.HasSuffix(host, h) {
				return s
			}
		}
	}
	return service{}
}

// largest is the size of the largest file that goes up in one request.
func (s service) largest() int64 {
	if s.single > 0 {
		return s.single
	}
	return singleFile
}

// label shortens a label to what the service takes, from the end of the agent's name: the digits tell whose job it is.
func (s service) label(label string) string {
	if s.suffix == 0 || len(label) <= s.suffix {
		return label
	}
	cut := strings.LastIndexByte(label, '-')
	digits := label[cut:]
	return strings.TrimRight(label[:max(s.suffix-len(digits), 0)], "-") + digits
}
