package main

import (
	"flag"
	"fmt"
	"io"
	"strings"

	"github.com/tunegate/tunegate/internal/diag"
	"github.com/tunegate/tunegate/internal/render"
)

// helpWidth is how wide help is at most: it is read in terminals of all sizes and pasted into pages.
const helpWidth = 80

// meanings says what the exit codes mean, in order.
func meanings() []struct {
	code int
	text string
} {
	return []struct {
		code int
		text string
	}{
		{exitPass, "done; of a verdict: pass"},
		{exitFail, "the verdict is fail or inconclusive, or the data has critical problems"},
		{exitUsage, "a mistake on the command line or in the manifest"},
		{exitError, "no verdict was reached: a service, a file or the network failed"},
		{exitPending, "not done in time; the same command goes on from there"},
		{exitInterrupted, "interrupted; the same command goes on from there"},
	}
}

func overview(w io.Writer) {
	fmt.Fprint(w, wrapped("tunegate fine-tunes a team's models from one manifest, and says whether they became better.", ""))
	fmt.Fprint(w, "\nUsage: tunegate COMMAND [options] [arguments]\n\nCommands:\n")
	for _, c := range commands() {
		fmt.Fprint(w, entry(c.name, 12, c.summary))
	}
	fmt.Fprint(w, "\n"+wrapped("tunegate COMMAND --help, or tunegate help COMMAND, shows a command's options and an example.", "")+"\nExit codes:\n")
	for _, m := range meanings() {
		fmt.Fprint(w, entry(fmt.Sprint(m.code), 5, m.text))
	}
}

func (c command) help(w io.Writer, f *flag.FlagSet) {
	var b strings.Builder
	b.WriteString(wrapped(c.summary, ""))
	options := ""
	f.VisitAll(func(o *flag.Flag) {
		name, usage := described(o)
		options += entry(strings.TrimRight("--"+o.Name+" "+name, " "), 20, usage)
	})
	usage := "tunegate " + c.name
	if options != "" {
		usage += " [options]"
	}
	if c.args != "" {
		usage += " " + c.args
	}
	b.WriteString("\nUsage: " + usage + "\n")
	if c.about != "" {
		b.WriteString("\n" + wrapped(c.about, ""))
	}
	if options != "" {
		b.WriteString("\nOptions:\n" + options)
	}
	if len(c.exits) > 0 {
		b.WriteString("\nExit codes:\n")
		for _, m := range meanings() {
			for _, code := range append([]int{exitPass, exitUsage}, c.exits...) {
				if code == m.code {
					b.WriteString(entry(fmt.Sprint(code), 5, m.text))
				}
			}
		}
	}
	b.WriteString("\nExample:\n" + commandLine(c.example))
	_, _ = io.WriteString(w, b.String())
}

// described returns how an option's value is called, in capitals, and what the option is for, with its default where
// that says something.
func described(o *flag.Flag) (name, usage string) {
	name, usage = flag.UnquoteUsage(o)
	usage = strings.TrimPrefix(usage, name+": ")
	if d := o.DefValue; d != "" && d != "false" && d != "0s" && !strings.HasPrefix(d, "-") {
		usage += " (default " + d + ")"
	}
	return strings.ToUpper(name), usage
}

// entry is a row of a list: a name, then what there is to say of it, in a column that begins after width.
func entry(name string, width int, text string) string {
	indent := strings.Repeat(" ", 2+width+2)
	lines := wrapped(text, indent)
	switch {
	case text == "":
		return "  " + name + "\n"
	case len(name) > width:
		return "  " + name + "\n" + lines
	}
	return "  " + name + lines[2+len(name):]
}

// wrapped breaks a text, whose line ends count as spaces, into lines of helpWidth that begin with indent. An empty line and one that
// begins with a space stay as they are.
func wrapped(text, indent string) string {
	var b strings.Builder
	line := ""
	flush := func() {
		if line != "" {
			b.WriteString(indent + line + "\n")
		}
		line = ""
	}
	for l := range strings.SplitSeq(text, "\n") {
		if l == "" || l[0] == ' ' {
			flush()
			b.WriteString(strings.TrimRight(indent+l, " ") + "\n")
			continue
		}
		for word := range strings.FieldsSeq(l) {
			if line != "" && len(indent)+render.Cells(line)+1+render.Cells(word) > helpWidth {
				flush()
			}
			if line != "" {
				line += " "
			}
			line += word
		}
	}
	flush()
	return b.String()
}

// commandLine indents an example and continues a long one on further lines, so that it can be pasted as it stands.
func commandLine(example string) string {
	var b strings.Builder
	for l := range strings.SplitSeq(example, "\n") {
		line := " "
		words := strings.Fields(l)
		for i := 0; i < len(words); i++ {
			word := words[i]
			if strings.HasPrefix(word, "--") && i+1 < len(words) && words[i+1][0] != '-' {
				i++ // an option stays with its value
				word += " " + words[i]
			}
			if len(line)+1+len(word) > helpWidth-2 && strings.TrimSpace(line) != "" {
				b.WriteString(line + " \\\n")
				line = "     "
			}
			line += " " + word
		}
		b.WriteString(line + "\n")
	}
	return b.String()
}

// didYouMean begins a hint with the name that word was probably meant to be, if there is one; before is put ahead of it.
func didYouMean(word string, names []string, before string) string {
	if best := diag.Nearest(word, names); best != "" {
		return fmt.Sprintf("did you mean %s%s? ", before, best)
	}
	return ""
}
