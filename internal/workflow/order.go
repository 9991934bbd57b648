package workflow

import (
	"encoding/json"
	"errors"
	"fmt"
	"path"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/tunegate/tunegate/internal/manifest"
)

// Order is what a run is to do, as its first job decided: the later ones are handed it. All of its texts have a form that can be
// neither a command nor another output.
type Order struct {
	Do       Do
	Pull     int    // number of the pull request; 0: none
	SHA      string // the commit that is audited and judged
	Base     string // the commit whose manifest is trusted; empty: SHA itself is
	Legs     []string
	Profile  string // speed, thorough, or empty for the manifest's
	Comment  int64  // that asked for it; 0: none did
	Manifest string // path in the repository with slashes, as the workflow's input says; empty: where it is looked for by default. For Resume alone
	Since    int64  // Unix time of the first launch; 0: not known. For Resume alone
}

// Outputs are the order as outputs of a step, by name, for ReadOrder.
func (o Order) Outputs() map[string]string {
	number := func(n int64) string {
		if n == 0 {
			return ""
		}
		return strconv.FormatInt(n, 10)
	}
	return map[string]string{
		"do": string(o.Do), "pull": number(int64(o.Pull)), "sha": o.SHA, "base-sha": o.Base, "legs": strings.Join(o.Legs, ","),
		"profile": o.Profile, "comment": number(o.Comment), "manifest": o.Manifest, "since": number(o.Since),
	}
}

// ReadOrder reads the JSON object that GitHub makes of such outputs. What the first job would not have written is an error.
func ReadOrder(text string) (Order, error) {
	var in map[string]any
	if len(text) > 64<<10 {
		return Order{}, errors.New("the order is too long")
	}
	if err := json.Unmarshal([]byte(text), &in); err != nil {
		return Order{}, errors.New("the order is not the JSON of the outputs of the command start")
	}
	var wrong error
	get := func(name string, ok func(string) bool) string {
		s, _ := in[name].(string)
		if s != "" && !ok(s) && wrong == nil {
			wrong = fmt.Errorf("the order's %s is %.80q, which no start has written", name, s)
		}
		return s
	}
	number := func(name string) int64 {
		n, _ := strconv.ParseInt(get(name, regexp.MustCompile(`^[1-9][0-9]{0,17}$`).MatchString), 10, 64)
		return n
	}
	sha := regexp.MustCompile(`^([0-9a-f]{40}|[0-9a-f]{64})$`)
	o := Order{
		Do: Do(get("do", func(s string) bool {
			return slices.Contains([]Do{Nothing, Audit, Plan, Reuse, Launch, Resume, Retry, Status, Cancel}, Do(s))
		})),
		SHA: get("sha", sha.MatchString), Base: get("base-sha", sha.MatchString),
		Profile:  get("profile", func(s string) bool { return s == string(manifest.Speed) || s == string(manifest.Thorough) }),
		Manifest: get("manifest", IsPath),
		Pull:     int(number("pull")), Comment: number("comment"), Since: number("since"),
	}
	if legs := get("legs", isLegs); legs != "" {
		o.Legs = splitLegs(legs)
	}
	if wrong == nil && o.Do == "" {
		wrong = errors.New("the order does not say what to do")
	}
	if wrong == nil && o.Do != Nothing && o.SHA == "" {
		wrong = errors.New("the order names no commit")
	}
	return o, wrong
}

// IsPath tells whether s may be the path of a manifest that is handed from job to job: relative, within the repository, and without
// characters that mean something to a shell, a terminal or a page.
func IsPath(s string) bool {
	return len(s) <= 1000 && regexp.MustCompile(`^[A-Za-z0-9_.][A-Za-z0-9_./ -]*$`).MatchString(s) && path.Clean(s) == s && s != ".." && !strings.HasPrefix(s, "../")
}

func splitLegs(legs string) []string { return strings.Split(legs, ",") }
