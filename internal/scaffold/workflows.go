package scaffold

import (
	"fmt"
	"maps"
	"net/url"
	"slices"
	"strings"

	"github.com/tunegate/tunegate/internal/manifest"
)

// Workflow is a file of GitHub Actions.
type Workflow struct {
	Name string // of the file, in .github/workflows
	Text string
}

// Workflows writes the three workflows that run m from GitHub: the pipeline with its triggers, the status of pull requests that
// touch nothing, and what looks after pending fine-tunes. path is the manifest's, from the root of the repository, with slashes; empty
// where the program finds it by itself. Keys of providers are taken from secrets of their variables' names, and each is bound to its
// provider's host.
func Workflows(m *manifest.Manifest, path string) []Workflow {
	var hosts, keys []string
	for _, name := range slices.Sorted(maps.Keys(m.Providers)) {
		p := m.Providers[name]
		at, err := url.Parse(p.BaseURL)
		if p.APIKeyEnv == "" || err != nil {
			continue
		}
		hosts = append(hosts, at.Host+"="+p.APIKeyEnv)
		if key := fmt.Sprintf("%s=${{ secrets.%s }}", p.APIKeyEnv, p.APIKeyEnv); !slices.Contains(keys, key) {
			keys = append(keys, key)
		}
	}
	limit := 5.0
	if m.Budget.MaxCostUSD != nil {
		limit = *m.Budget.MaxCostUSD
	}
	with, secrets := block("      max-cost-usd: ", []string{fmt.Sprintf("'%g'", limit)}), ""
	if len(hosts) > 0 {
		with += block("      allowed-hosts: ", hosts)
		secrets = "    secrets:\n" + block("      keys: ", keys)
	}
	named := ""
	if path != "" {
		named = block("      manifest: ", []string{scalar(path)})
	}
	return []Workflow{
		{"tunegate.yml", fmt.Sprintf(pipelineCaller, named+with, secrets)},
		{"tunegate-status.yml", fmt.Sprintf(statusCaller, strings.ReplaceAll(named, "      ", "          "))},
		{"tunegate-resume.yml", fmt.Sprintf(resumeCaller, with, secrets)},
	}
}

// block writes a key with one value, or with several as a block of lines.
func block(key string, values []string) string {
	if len(values) == 1 {
		return key + values[0] + "\n"
	}
	return key + "|\n        " + strings.Join(values, "\n        ") + "\n"
}

const pipelineCaller = `# Audits, fine-tunes and judges: at the push of a button, at a comment that begins with /finetune, and every night. A pull
# request is audited and judged by what has been tuned for its data already; a merge queue too.
name: tunegate
on:
  pull_request:
    types: [opened, synchronize, reopened]
  issue_comment:
    types: [created] # not edited: what a comment asks for is what its author wrote
  merge_group:
  schedule:
    - cron: '23 3 * * *'
  workflow_dispatch:
    inputs:
      legs:
        description: Launch only these legs. All are judged.
      profile:
        description: speed or thorough, in the place of the manifest's.
permissions: {}
jobs:
  tunegate:
    if: ${{ github.event_name != 'issue_comment' || (github.event.issue.pull_request && startsWith(github.event.comment.body, '/finetune')) }}
    concurrency: # a push takes the place of the audit of an older one; nothing else is ever cut off
      group: tunegate-${{ github.event_name == 'pull_request' && github.event.pull_request.number || github.run_id }}
      cancel-in-progress: true
    permissions:
      actions: write # switch the workflow that resumes on
      contents: read
      issues: write # reactions, and the issue of a nightly regression
      pull-requests: write # the comment
      statuses: write # tunegate/gate
    uses: tunegate/tunegate/.github/workflows/pipeline.yml@v1
    with:
      legs: ${{ inputs.legs }}
      profile: ${{ inputs.profile }}
%s%s`

const statusCaller = `# Sets the status tunegate/gate of pull requests, from forks too: success where no file is touched that the manifest reads,
# else pending until the pipeline has judged. Checks out the base branch and no file of the pull request.
name: tunegate status
on:
  pull_request_target:
    types: [opened, synchronize, reopened, edited]
permissions: {}
jobs:
  status:
    runs-on: ubuntu-24.04
    timeout-minutes: 5
    permissions:
      contents: read
      pull-requests: read
      statuses: write
    steps:
      - uses: actions/checkout@11bd71901bbe5b1630ceea73d27597364c9af683 # v4.2.2
        with:
          ref: ${{ github.event.pull_request.base.sha }}
          path: base
          persist-credentials: false
      - uses: tunegate/tunegate@v1
        with:
          command: start
          base: base
%s`

const resumeCaller = `# Looks after fine-tunes that outlive the run that launched them. A launch switches this workflow on, and it switches
# itself off when nothing is pending: an idle repository pays nothing. Each look is about a runner minute; set the hours to taste.
name: tunegate resume
on:
  schedule:
    - cron: '37 */2 * * *'
  workflow_dispatch:
permissions: {}
jobs:
  resume:
    concurrency:
      group: tunegate-resume
      cancel-in-progress: false
    permissions:
      actions: write # switch itself off, and forget what is settled
      contents: read
      issues: write
      pull-requests: write
      statuses: write
    uses: tunegate/tunegate/.github/workflows/resume.yml@v1
    with:
%s%s`
