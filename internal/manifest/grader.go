package manifest

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"gopkg.in/yaml.v3"

	"github.com/tunegate/tunegate/internal/grade"
)

const (
	mostWords   = 64  // of a command
	mostVotes   = 15  // of a judge
	mostSeconds = 600 // of a program that grades
)

var (
	patternForm = form{pattern: expression(`^[^\x00-\x1f\x7f]{1,1000}$`), want: "a regular expression of 1 to 1000 characters"}
	rubricForm  = form{pattern: expression(`^[^\x00-\x08\x0b-\x1f\x7f]*[^\x00-\x20\x7f][^\x00-\x08\x0b-\x1f\x7f]*$`), want: "text that says what a right answer is"}
	wordForm    = form{pattern: expression(`^[^\x00-\x1f\x7f]{1,1000}$`), want: "a word of a command, of 1 to 1000 characters"}
)

// grader is a grader's name, or a mapping with its name and options. Which option belongs to which grader is grade's to say.
func grader(to *Grader) value {
	name := choice(&to.Name, grade.Names()...)
	full := section(
		key{"name", "the grader", name, true},
		key{"pattern", "of the regex grader: what it captures in an answer is compared with the ideal", text(&to.Pattern, patternForm), false},
		key{"threshold", "of token-f1 and embedding: from here on an answer is right; without it the value itself is the score", number(limits{most: 1, above: true}, func(f float64) { to.Threshold = f }), false},
		key{"model", "of embedding, judge and judge-pair: the model that embeds or judges", text(&to.Model, modelForm), false},
		key{"rubric", "of judge and judge-pair: what a right answer is, in words", text(&to.Rubric, rubricForm), false},
		key{"votes", "of judge and judge-pair: how often the judge is asked, an odd number (default 3)", whole(&to.Votes, 1, mostVotes, "").requires(schema{"not": schema{"multipleOf": 2}}), false},
		key{"command", "of command: the program that scores, and its arguments; it runs only where commands are allowed", list(&to.Command, wordForm, mostWords), false},
		key{"timeout", "of code and command: seconds of computing that a program may take (default 3 and 10)", number(limits{most: mostSeconds, above: true}, func(f float64) { to.Timeout = time.Duration(f * float64(time.Second)) }), false},
	).requires(schema{"allOf": optionRules()})
	return value{schema{"anyOf": []schema{bare(), full.schema}}, func(r *reader, n *yaml.Node, path string) {
		if n.Kind != yaml.MappingNode {
			name.read(r, n, path)
			if _, needed := grade.Takes(to.Name); len(needed) > 0 {
				r.mistake("missing-key", posOf(n), fmt.Sprintf("%s: the grader %s needs %s", path, to.Name, strings.Join(needed, " and ")),
					fmt.Sprintf("write it as {name: %s, %s: …}", to.Name, strings.Join(needed, ": …, ")))
			}
			return
		}
		*to = Grader{}
		before := len(r.found)
		full.read(r, n, path)
		r.checkGrader(*to, path, len(r.found) == before)
	}}
}

// checkGrader looks at how a grader's options go together; whole tells that each by itself was right.
func (r *reader) checkGrader(g Grader, path string, whole bool) {
	if g.Name == "" {
		return
	}
	known, needed := grade.Takes(g.Name)
	given := g.Given()
	for _, option := range given {
		if !slices.Contains(known, option) {
			hint := "leave it out"
			if len(known) > 0 {
				hint = "it takes " + strings.Join(known, ", ")
			}
			r.mistake("bad-value", r.sites[path+"."+option].key, fmt.Sprintf("%s: the grader %s takes no %s", path, g.Name, option), hint)
			whole = false
		}
	}
	for _, option := range needed {
		if _, stands := r.sites[path+"."+option]; !stands {
			r.mistake("missing-key", r.sites[path].key, fmt.Sprintf("%s.%s is missing: the grader %s needs it", path, option, g.Name), "add it, or choose another grader")
			whole = false
		}
	}
	if !whole {
		return
	}
	if _, err := grade.Make(g); err != nil {
		at, hint := r.sites[path].value, "mend it, or choose another grader"
		if g.Pattern != "" {
			at, hint = r.sites[path+".pattern"].value, "patterns are in RE2 syntax"
		}
		if g.Votes != 0 {
			at, hint = r.sites[path+".votes"].value, "such as 3 or 5"
		}
		r.mistake("bad-value", at, fmt.Sprintf("%s: %v", path, err), hint)
	}
}

// bare is the schema of a name alone: those graders that need no option.
func bare() schema {
	var names []string
	for _, name := range grade.Names() {
		if _, needed := grade.Takes(name); len(needed) == 0 {
			names = append(names, name)
		}
	}
	return schema{"enum": names}
}

// optionRules say in JSON Schema which options each grader takes and needs.
func optionRules() (rules []schema) {
	for _, name := range grade.Names() {
		known, needed := grade.Takes(name)
		others := schema{}
		for _, option := range grade.OptionNames() {
			if !slices.Contains(known, option) {
				others[option] = false
			}
		}
		then := schema{"properties": others}
		if len(needed) > 0 {
			then["required"] = needed
		}
		rules = append(rules, schema{"if": schema{"properties": schema{"name": schema{"const": name}}, "required": []string{"name"}}, "then": then})
	}
	return rules
}

// list is a list of texts, at least one.
func list(to *[]string, f form, most int) value {
	var item string
	one := text(&item, f)
	s := schema{"type": "array", "items": one.schema, "minItems": 1, "maxItems": most}
	return value{s, func(r *reader, n *yaml.Node, path string) {
		*to = nil
		if n.Kind != yaml.SequenceNode || len(n.Content) == 0 || len(n.Content) > most {
			r.wrong(n, path, fmt.Sprintf("a list of 1 to %d texts", most), "as in [python3, grade.py]")
			return
		}
		for i, inner := range n.Content {
			one.read(r, resolve(inner), fmt.Sprintf("%s[%d]", path, i))
			*to = append(*to, item)
		}
	}}
}
