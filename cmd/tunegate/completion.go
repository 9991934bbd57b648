package main

import (
	"context"
	"flag"
	"fmt"
	"io"
	"slices"
	"strings"
)

// completeCommand is the hidden command that the scripts ask: its arguments are the words after the program's name up
// to the cursor, the last one perhaps empty; it prints what the last one may become, one a line, with a tab and a
// description. Where it prints nothing the shell offers files.
const completeCommand = "__complete"

// scripts holds what each shell needs to ask. The answers are made here, so a script fits every version.
var scripts = map[string]string{
	"bash": `# tunegate completion for bash: source <(tunegate completion bash)
_tunegate() {
  # Readline takes --option=value for three words.
  local word line words=() joined=
  for word in "${COMP_WORDS[@]:1:COMP_CWORD}"; do
    if [[ ${#words[@]} -gt 0 && ( $word == "=" || $joined ) ]]; then
      words[${#words[@]}-1]+=$word
    else
      words+=("$word")
    fi
    [[ $word == "=" ]] && joined=1 || joined=
  done
  word=${words[${#words[@]}-1]}
  COMPREPLY=()
  while IFS= read -r line; do
    line=${line%%$'\t'*}
    [[ $word == *=* ]] && line=${line#*=}
    COMPREPLY+=("$line")
  done < <("$1" __complete "${words[@]}" 2>/dev/null)
}
complete -o default -F _tunegate tunegate
`,
	"zsh": `#compdef tunegate
# tunegate completion for zsh: source <(tunegate completion zsh)
_tunegate() {
  local -a lines values shown
  local line
  lines=("${(@f)$("${words[1]}" __complete "${(@)words[2,CURRENT]}" 2>/dev/null)}")
  for line in $lines; do
    values+=("${line%%$'\t'*}")
    shown+=("${line/$'\t'/  }")
  done
  if (( ${#values} )); then
    compadd -l -d shown -a values
  else
    _files
  fi
}
compdef _tunegate tunegate
`,
	"fish": `# tunegate completion for fish: tunegate completion fish | source
function __tunegate_complete
    set -l words (commandline -opc)
    set -l word (commandline -ct)
    set -l lines ($words[1] __complete $words[2..-1] "$word" 2>/dev/null)
    if set -q lines[1]
        printf '%s\n' $lines
    else
        __fish_complete_path "$word"
    end
end
complete -c tunegate -f -a '(__tunegate_complete)'
`,
}

func completionCommand() command {
	return command{
		name: "completion", args: "bash|zsh|fish", summary: "print a script that completes commands in a shell",
		about: "Completes commands, options and their values, the legs of the manifest for --leg, and file names. " +
			"To have it in every shell, add the line to the file:\n\n" +
			"  ~/.bashrc                   source <(tunegate completion bash)\n" +
			"  ~/.zshrc, after compinit    source <(tunegate completion zsh)\n" +
			"  ~/.config/fish/config.fish  tunegate completion fish | source",
		example: "source <(tunegate completion bash)",
		setup: func(*flag.FlagSet) func(context.Context, env, []string) error {
			return func(_ context.Context, e env, args []string) error {
				if len(args) != 1 || scripts[args[0]] == "" {
					return usageError{"completion takes the name of a shell: bash, zsh or fish", ""}
				}
				_, err := fmt.Fprint(e.stdout, scripts[args[0]])
				return err
			}
		},
	}
}

// complete returns what the last word may become, each with a tab and a description or without.
func complete(e env, words []string) []string {
	if len(words) == 0 {
		return nil
	}
	before, word := words[:len(words)-1], words[len(words)-1]
	all := commands()
	if len(before) == 0 || before[0] == "help" {
		var names []string
		if len(before) < 2 {
			for _, c := range all {
				names = append(names, c.name+"\t"+c.summary)
			}
		}
		if len(before) == 0 {
			names = append(names, "help\tshow a command's options and an example")
		}
		return starting(names, word)
	}
	i := slices.IndexFunc(all, func(c command) bool { return c.name == before[0] })
	if i < 0 {
		return nil
	}
	f := flag.NewFlagSet(before[0], flag.ContinueOnError)
	all[i].setup(f)
	// A word after an option that takes a value is the value, and so is what follows an equals sign.
	if name, value, ok := strings.Cut(word, "="); ok && strings.HasPrefix(word, "-") {
		values := starting(valuesOf(e, f, name, before[1:]), value)
		for i := range values {
			values[i] = name + "=" + values[i]
		}
		return values
	}
	if last := before[len(before)-1]; len(before) > 1 && takesValue(f, last) {
		return starting(valuesOf(e, f, last, before[1:len(before)-1]), word)
	}
	if strings.HasPrefix(word, "-") {
		names := []string{"--help\tshow the options and an example"}
		f.VisitAll(func(o *flag.Flag) {
			_, usage := described(o)
			names = append(names, "--"+o.Name+"\t"+usage)
		})
		return starting(names, word)
	}
	if before[0] == "completion" && len(before) == 1 {
		return starting([]string{"bash", "fish", "zsh"}, word)
	}
	return nil
}

// lookup finds the flag that a word names.
func lookup(f *flag.FlagSet, word string) *flag.Flag {
	name := strings.TrimPrefix(strings.TrimPrefix(word, "-"), "-")
	if name == word {
		return nil
	}
	return f.Lookup(name)
}

func takesValue(f *flag.FlagSet, word string) bool {
	o := lookup(f, word)
	if o == nil {
		return false
	}
	b, ok := o.Value.(interface{ IsBoolFlag() bool })
	return !ok || !b.IsBoolFlag()
}

// valuesOf returns the values that an option may have, where they can be listed.
func valuesOf(e env, f *flag.FlagSet, word string, args []string) []string {
	o := lookup(f, word)
	if o == nil {
		return nil
	}
	if c, ok := o.Value.(*choice); ok {
		return c.names
	}
	if o.Name != "leg" {
		return nil
	}
	// The manifest is the argument among the words so far, if there is one.
	var manifests []string
	for i, a := range args {
		if !strings.HasPrefix(a, "-") && (i == 0 || !takesValue(f, args[i-1])) {
			manifests = []string{a}
		}
	}
	e.stderr = io.Discard
	m, err := loadManifest(e, manifests)
	if err != nil {
		return nil
	}
	var ids []string
	for _, a := range m.Agents {
		ids = append(ids, a.Name)
	}
	return ids
}

// starting keeps the candidates that begin as the word does.
func starting(candidates []string, word string) []string {
	var out []string
	for _, c := range candidates {
		if strings.HasPrefix(c, word) {
			out = append(out, c)
		}
	}
	return out
}
