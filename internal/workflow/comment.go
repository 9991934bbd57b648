package workflow

import (
	"fmt"
	"slices"
	"strings"

	"github.com/tunegate/tunegate/internal/diag"
	"github.com/tunegate/tunegate/internal/manifest"
)

// Command is the word that a comment begins with to ask for something.
const Command = "/finetune"

// Ask is what a comment asks for.
type Ask struct {
	Do      Do       // Launch, Plan, Status, Cancel, Retry; Nothing for help
	Legs    []string // those named; empty: all
	SHA     string   // at least 7 hexadecimal digits of a commit; empty: none named
	Profile string   // speed, thorough or empty
}

// Usage is the answer to help, and to what is not understood.
const Usage = "`/finetune [legs] [@sha] [--profile speed|thorough] [--dry-run]` audits, tunes and judges this pull request; `/finetune status`, `cancel` and `retry` (each with legs) look after its fine-tunes."

// ReadComment reads a comment. It is for us only when its first line begins with the command as a word of its own; asked is false
// otherwise. The error says in one line what is not understood, safe to be shown: of the comment it quotes only what has the form of an
// argument.
func ReadComment(body string) (ask Ask, asked bool, err error) {
	line, _, _ := strings.Cut(strings.ReplaceAll(body, "\r", "\n"), "\n")
	words := strings.Fields(line)
	if len(words) == 0 || words[0] != Command || strings.HasPrefix(line, "    ") || strings.HasPrefix(line, "\t") { // indented text is quoted code
		return Ask{}, false, nil
	}
	for i := range words {
		words[i] = strings.ReplaceAll(words[i], "\u200b", "") // as the tables of pages have it in long names
	}
	ask.Do = Launch
	verb := true // may the next word be one?
	for i := 1; i < len(words); i++ {
		w := words[i]
		if w == "--profile" && i+1 < len(words) {
			i++
			w += "=" + words[i]
		}
		profile, isProfile := strings.CutPrefix(w, "--profile=")
		sha, isSHA := strings.CutPrefix(w, "@")
		switch {
		case verb && verbs[w] != "":
			ask.Do = verbs[w]
		case isProfile && (profile == string(manifest.Speed) || profile == string(manifest.Thorough)) && ask.Profile == "":
			ask.Profile = profile
		case isProfile:
			return Ask{}, true, fmt.Errorf("the profile is %s or %s, once", manifest.Speed, manifest.Thorough)
		case w == "--dry-run" && ask.Do == Launch:
			ask.Do = Plan
		case isSHA && isHex(sha) && ask.SHA == "":
			ask.SHA = strings.ToLower(sha)
		case isSHA:
			return Ask{}, true, fmt.Errorf("a commit is @ and 7 to 40 hexadecimal digits, once")
		case isLegs(w):
			for id := range strings.SplitSeq(w, ",") {
				if !slices.Contains(ask.Legs, id) {
					ask.Legs = append(ask.Legs, id)
				}
			}
		case strings.HasPrefix(w, "-"):
			return Ask{}, true, fmt.Errorf("there is no such option; the options are --profile and --dry-run")
		default:
			return Ask{}, true, fmt.Errorf("word %d is no name of a leg", i)
		}
		verb = false
	}
	if ask.Profile != "" && ask.Do != Launch && ask.Do != Plan && ask.Do != Retry {
		return Ask{}, true, fmt.Errorf("--profile goes with a launch")
	}
	return ask, true, nil
}

// verbs are the words that may follow the command. A leg of such a name can be asked for together with all others only.
var verbs = map[string]Do{"status": Status, "cancel": Cancel, "retry": Retry, "help": Nothing}

// isLegs tells whether a word is a list of names of legs.
func isLegs(w string) bool {
	for id := range strings.SplitSeq(w, ",") {
		if !manifest.IsName(id) {
			return false
		}
	}
	return true
}

// isHex tells whether s can name a commit.
func isHex(s string) bool {
	return len(s) >= 7 && len(s) <= 40 && !strings.ContainsFunc(s, func(c rune) bool { return !strings.ContainsRune("0123456789abcdefABCDEF", c) })
}

// Unknown names the first of the wanted legs that the manifest does not have, with a guess where there is one; nil: it has all.
func Unknown(m *manifest.Manifest, wanted []string) error {
	var names []string
	for _, a := range m.Agents {
		names = append(names, a.Name)
	}
	for _, id := range wanted {
		if slices.Contains(names, id) {
			continue
		}
		guess := ""
		if best := diag.Nearest(id, names); best != "" {
			guess = fmt.Sprintf("; did you mean `%s`?", best)
		}
		return fmt.Errorf("there is no leg `%s`%s", id, guess)
	}
	return nil
}
